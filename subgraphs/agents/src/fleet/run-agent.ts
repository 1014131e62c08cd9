/** Bridges A2A and an agent's program: order in; steps, result or failure out. */
import { TaskState } from '@a2a-js/sdk';
import { AgentEvent, type AgentExecutor, type ExecutionEventBus, type RequestContext } from '@a2a-js/sdk/server';
import { AuroraError, describeError } from '@aurorasoc/kit/errors';
import type { Logger } from '@aurorasoc/kit/log';
import { inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import {
  type FailureReport,
  instructionSchema,
  RESULT_ARTIFACT,
  type TaskOrder,
  taskOrderSchema,
  toShortText,
} from '../a2a/contract.js';
import { dataMessage, dataPart, Role, readData } from '../a2a/messages.js';
import type { AgentDefinition } from '../agent/agent-registry.js';
import type { GraphClient } from '../graph/graph-client.js';
import { AgentFailure, type AgentProgram, type AgentRun } from './agent-program.js';
import { Caller } from './authenticate.js';
import { GraphTools } from './tools/graph-tools.js';

export interface RunAgentOptions {
  readonly agent: AgentDefinition;
  readonly program: AgentProgram;
  readonly graph: GraphClient;
  readonly log: Logger;
}

export class ProgramExecutor implements AgentExecutor {
  readonly #running = new Map<string, AbortController>();

  constructor(private readonly options: RunAgentOptions) {}

  /** Never throws: the SDK would print what it is thrown, events and all. */
  async execute(request: RequestContext, bus: ExecutionEventBus): Promise<void> {
    const { taskId, contextId } = request;
    const tell = new TaskVoice(bus, taskId, contextId);
    tell.begin();
    const cancelled = new AbortController();
    this.#running.set(taskId, cancelled);
    try {
      tell.result(await this.#run(request, tell, cancelled.signal));
    } catch (error) {
      if (cancelled.signal.aborted) tell.cancelled();
      else tell.failed(this.#explain(error));
    } finally {
      this.#running.delete(taskId);
    }
  }

  async cancelTask(taskId: string): Promise<void> {
    this.#running.get(taskId)?.abort(new Error('the task was cancelled'));
  }

  async #run(request: RequestContext, tell: TaskVoice, cancelled: AbortSignal): Promise<unknown> {
    const { agent, program, graph } = this.options;
    const caller = callerIn(request, agent);
    const order = readOrder(request, caller);
    const signal = AbortSignal.any([caller.signal, cancelled, AbortSignal.timeout(agent.budgetMs)]);
    const tellStep = stepCounter(tell, signal);
    const tools = new GraphTools({ graph, token: caller.gatewayToken, agent, signal, tellStep });
    const run: AgentRun = { order, instruction: instructionSchema.parse(order.instruction), tools, signal, tellStep };
    const attributes = { 'gen_ai.agent.name': agent.name, 'aurora.task.id': order.taskId };
    return inSpan(`agent ${agent.name}`, { kind: SpanKind.SERVER, parent: caller.traceparent, attributes }, () =>
      program(run),
    );
  }

  #explain(error: unknown): FailureReport {
    const { agent, log } = this.options;
    if (error instanceof AgentFailure) return { code: error.code, message: toShortText(error.message) };
    log.warn({ agent: agent.name, error: describeError(error) }, 'Agent failed');
    if (error instanceof DOMException && error.name === 'TimeoutError')
      return { code: 'BUDGET_EXHAUSTED', message: `The agent ${agent.name} used up its ${agent.budgetMs / 1000} s.` };
    if (error instanceof AuroraError)
      return {
        code: 'TOOL_FAILED',
        message: toShortText(`A tool of the agent ${agent.name} failed: ${error.publicMessage}`),
      };
    return { code: 'AGENT_FAILED', message: `The agent ${agent.name} failed for an internal reason.` };
  }
}

type CallerWithTools = Caller & { readonly gatewayToken: string };

function callerIn({ context }: RequestContext, agent: AgentDefinition): CallerWithTools {
  const { user } = context;
  if (!(user instanceof Caller) || user.gatewayToken === undefined)
    throw new AgentFailure('UNAUTHENTICATED', 'The call brings no token for the tools.');
  // A token made for one agent does not open another, whose scopes may be wider.
  if (user.principal.actor !== `agent:${agent.name}`)
    throw new AgentFailure('UNAUTHENTICATED', 'The token was made for another agent.');
  return user as CallerWithTools;
}

function readOrder({ userMessage }: RequestContext, { principal }: Caller): TaskOrder {
  const order = taskOrderSchema.safeParse(readData(userMessage.parts));
  if (!order.success || !instructionSchema.safeParse(order.data.instruction).success)
    throw new AgentFailure('ORDER_INVALID', 'The message is not the order of a task.');
  if (principal.investigation !== order.data.investigationId)
    throw new AgentFailure('UNAUTHENTICATED', 'The token was made for another investigation.');
  return order.data;
}

function stepCounter(tell: TaskVoice, signal: AbortSignal): AgentRun['tellStep'] {
  let ordinal = 0;
  return (step) => {
    signal.throwIfAborted();
    ordinal += 1;
    tell.step({ detail: null, citedEventIds: [], tool: null, toolArguments: null, ...step, ordinal });
  };
}

/** The A2A events of one task. */
class TaskVoice {
  constructor(
    private readonly bus: ExecutionEventBus,
    private readonly taskId: string,
    private readonly contextId: string,
  ) {}

  /** The protocol wants the task itself first. */
  begin(): void {
    const status = { state: TaskState.TASK_STATE_WORKING, message: undefined, timestamp: new Date().toISOString() };
    this.bus.publish(
      AgentEvent.task({
        id: this.taskId,
        contextId: this.contextId,
        status,
        artifacts: [],
        history: [],
        metadata: undefined,
      }),
    );
  }

  step(report: unknown): void {
    this.#status(TaskState.TASK_STATE_WORKING, report);
  }

  result(result: unknown): void {
    const artifact = {
      artifactId: RESULT_ARTIFACT,
      name: RESULT_ARTIFACT,
      description: '',
      parts: [dataPart(result)],
      metadata: undefined,
      extensions: [],
    };
    this.bus.publish(
      AgentEvent.artifactUpdate({
        taskId: this.taskId,
        contextId: this.contextId,
        artifact,
        append: false,
        lastChunk: true,
        metadata: undefined,
      }),
    );
    this.#status(TaskState.TASK_STATE_COMPLETED);
  }

  failed(failure: FailureReport): void {
    this.#status(TaskState.TASK_STATE_FAILED, failure);
  }

  cancelled(): void {
    this.#status(TaskState.TASK_STATE_CANCELED, { code: 'CANCELLED', message: 'The task was cancelled.' });
  }

  #status(state: TaskState, data?: unknown): void {
    const { taskId, contextId } = this;
    const message = data === undefined ? undefined : dataMessage(Role.ROLE_AGENT, data, { taskId, contextId });
    this.bus.publish(
      AgentEvent.statusUpdate({
        taskId,
        contextId,
        status: { state, message, timestamp: new Date().toISOString() },
        metadata: undefined,
      }),
    );
  }
}
