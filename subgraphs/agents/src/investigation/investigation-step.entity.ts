import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import type { StepKind, StepReport } from '../a2a/contract.js';

export interface NewStep {
  readonly id: string;
  readonly tenant: string;
  readonly investigationId: string;
  readonly ordinal: number;
  readonly taskId: string;
  readonly agent: string;
  readonly report: StepReport;
  readonly at: Date;
}

/** One thing that an agent did or found, as it told it. Never changed. */
@Entity({ tableName: 'investigation_step' })
export class InvestigationStep {
  @PrimaryKey({ type: 'uuid' })
  id: string;

  @Property({ type: 'uuid' })
  tenant: string;

  @Property({ type: 'uuid' })
  investigationId: string;

  /** Place within the investigation, from 1, without a hole. */
  @Property({ type: 'integer' })
  ordinal: number;

  @Property({ type: 'uuid' })
  taskId: string;

  /** Place within the task, as the agent counts. */
  @Property({ type: 'integer' })
  taskOrdinal: number;

  @Property({ type: 'text' })
  agent: string;

  @Property({ type: 'text' })
  kind: StepKind;

  @Property({ type: 'text' })
  title: string;

  @Property({ type: 'text', nullable: true })
  detail: string | null;

  @Property({ type: 'string[]' })
  citedEventIds: string[];

  @Property({ type: 'text', nullable: true })
  tool: string | null;

  @Property({ type: 'json', nullable: true })
  toolArguments: Record<string, unknown> | null;

  @Property({ type: 'datetime' })
  at: Date;

  constructor({ id, tenant, investigationId, ordinal, taskId, agent, report, at }: NewStep) {
    this.id = id;
    this.tenant = tenant;
    this.investigationId = investigationId;
    this.ordinal = ordinal;
    this.taskId = taskId;
    this.taskOrdinal = report.ordinal;
    this.agent = agent;
    this.kind = report.kind;
    this.title = report.title;
    this.detail = report.detail;
    this.citedEventIds = report.citedEventIds;
    this.tool = report.tool;
    this.toolArguments = report.toolArguments;
    this.at = at;
  }
}
