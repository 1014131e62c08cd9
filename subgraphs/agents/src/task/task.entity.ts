import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { FailureReport, Instruction } from '../a2a/contract.js';
import type { AgentName } from '../agent/agent-registry.js';
import type { TaskStatus } from '../events.js';

export interface NewTask {
  readonly id: string;
  readonly tenant: string;
  readonly investigationId: string;
  readonly key: string;
  readonly agent: AgentName;
  readonly instruction: Instruction;
  readonly requestedAt: Date;
  readonly traceparent: string | null;
}

/** One piece of work for one agent. The row is the truth about it; streams only tell that something changed. */
@Entity({ tableName: 'task' })
export class AgentTask {
  @PrimaryKey({ type: 'uuid' })
  id: string;

  @Property({ type: 'uuid' })
  tenant: string;

  /** 1 requested, 2 finished: claims change the fence, not the version. */
  @Property({ type: 'integer' })
  version = 1;

  @Property({ type: 'uuid' })
  investigationId: string;

  /** Names the work within its investigation; who asks for it again gets this row. */
  @Property({ type: 'text' })
  key: string;

  @Property({ type: 'text' })
  agent: AgentName;

  @Property({ type: 'json' })
  instruction: Instruction;

  @Property({ type: 'text' })
  status: TaskStatus = 'PENDING';

  /** Grows by one with each claim; only the holder of the newest may write steps and the result. */
  @Property({ type: 'integer' })
  fence = 0;

  /** Claims that counted: those given back because the agent was away do not. */
  @Property({ type: 'integer' })
  attempts = 0;

  @Property({ type: 'text', nullable: true })
  claimedBy: string | null = null;

  @Property({ type: 'datetime', nullable: true })
  leaseUntil: Date | null = null;

  /** When the agent was first found away for this task, by the database's clock; null while it answers. */
  @Property({ type: 'datetime', nullable: true })
  agentAwaySince: Date | null = null;

  @Property({ type: 'json', nullable: true })
  result: Record<string, unknown> | null = null;

  @Property({ type: 'json', nullable: true })
  failure: FailureReport | null = null;

  @Property({ type: 'datetime' })
  requestedAt: Date;

  @Property({ type: 'datetime', nullable: true })
  startedAt: Date | null = null;

  @Property({ type: 'datetime', nullable: true })
  finishedAt: Date | null = null;

  @Property({ type: 'text', nullable: true })
  traceparent: string | null;

  constructor(task: NewTask) {
    this.id = task.id;
    this.tenant = task.tenant;
    this.investigationId = task.investigationId;
    this.key = task.key;
    this.agent = task.agent;
    this.instruction = task.instruction;
    this.requestedAt = task.requestedAt;
    this.traceparent = task.traceparent;
  }
}
