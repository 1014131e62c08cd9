/**
 * Calls of agents over A2A: streaming, with a time limit, retries while nothing has come yet, and a breaker per agent that
 * opens after failures in a row and lets a single call through to see whether the agent is back.
 */
import type { StreamResponse } from '@a2a-js/sdk';
import { type Client, ClientFactory, JsonRpcTransportFactory } from '@a2a-js/sdk/client';
import { AuroraError, describeError } from '@aurorasoc/kit/errors';
import { currentTraceparent } from '@aurorasoc/kit/telemetry';
import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  ExponentialBackoff,
  handleWhen,
  isBrokenCircuitError,
  retry,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import { agentCard } from '../a2a/agent-card.js';
import type { AgentDirectory } from '../a2a/agent-directory.js';
import {
  type FailureReport,
  failureReportSchema,
  GATEWAY_TOKEN_HEADER,
  type StepReport,
  stepReportSchema,
  type TaskOrder,
} from '../a2a/contract.js';
import { dataMessage, Role, readSignal } from '../a2a/messages.js';
import { AGENTS, type AgentName } from '../agent/agent-registry.js';
import type { TaskTokens } from './agent-tokens.js';

/** What came of one call; `garbage` is whatever the contract does not know. */
export type AgentAnswer =
  | { readonly kind: 'result'; readonly data: unknown }
  | { readonly kind: 'failure'; readonly failure: FailureReport }
  | { readonly kind: 'garbage'; readonly reason: string };

/** The agent could not be reached, or was lost in mid-answer. */
export class AgentUnavailableError extends AuroraError {
  /** @param hasAnswered - it had begun to answer: a repeat is a new run and not a repeated request. */
  constructor(
    readonly agent: AgentName,
    readonly hasAnswered: boolean,
    reason: string,
    cause?: unknown,
  ) {
    super({
      code: 'AGENT_UNAVAILABLE',
      publicMessage: `The agent ${agent} is not available: ${reason}`,
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** The agent took longer than its budget. */
export class AgentTimeoutError extends AuroraError {
  constructor(
    readonly agent: AgentName,
    budgetMs: number,
  ) {
    super({
      code: 'BUDGET_EXHAUSTED',
      publicMessage: `The agent ${agent} used up its ${Math.round(budgetMs / 1000)} s`,
    });
  }
}

export interface DispatcherOptions {
  readonly directory: AgentDirectory;
  /** Longest call, milliseconds. @default the budget in the agent's definition */
  readonly budgetMs?: number;
  /** Failures in a row that open the breaker. @default 5 */
  readonly breakAfter?: number;
  /** An open breaker lets a call through after this long, milliseconds. @default 10 000 */
  readonly halfOpenAfterMs?: number;
}

export interface Dispatch {
  readonly agent: AgentName;
  readonly order: TaskOrder;
  /** The same when the same is asked again, by whichever worker; it is how an agent knows a repeat. */
  readonly messageId: string;
  /** Asked for each attempt: one that begins late must not run with tokens that end in the middle of it. */
  readonly signTokens: () => Promise<TaskTokens>;
  readonly signal: AbortSignal;
  /** Its throw ends the call and is thrown on. */
  readonly onStep: (report: StepReport) => Promise<void>;
}

const RETRIES = 2;
const RETRY_DELAY_MS = 200;

export class AgentDispatcher {
  readonly #lines = new Map<AgentName, AgentLine>();

  constructor(private readonly options: DispatcherOptions) {}

  /**
   * @throws AgentUnavailableError when the agent cannot be reached, its breaker is open, or another call is trying whether it
   * is back; AgentTimeoutError; whatever `onStep` throws; the signal's reason.
   */
  dispatch(call: Dispatch): Promise<AgentAnswer> {
    return this.#lineOf(call.agent).dispatch(call);
  }

  /** False while the breaker keeps calls away. */
  isReachable(agent: AgentName): boolean {
    return this.#lineOf(agent).breaker.state !== CircuitState.Open;
  }

  #lineOf(agent: AgentName): AgentLine {
    const line = this.#lines.get(agent) ?? new AgentLine(agent, this.options);
    this.#lines.set(agent, line);
    return line;
  }
}

/** The calls of one agent share a breaker. */
class AgentLine {
  readonly breaker: CircuitBreakerPolicy;
  readonly #run: (call: Dispatch) => Promise<AgentAnswer>;
  readonly #budgetMs: number;

  constructor(
    private readonly agent: AgentName,
    private readonly options: DispatcherOptions,
  ) {
    this.#budgetMs = options.budgetMs ?? AGENTS[agent].budgetMs;
    const isTheAgents = (error: unknown): boolean =>
      error instanceof AgentUnavailableError || error instanceof AgentTimeoutError;
    this.breaker = circuitBreaker(handleWhen(isTheAgents), {
      breaker: new ConsecutiveBreaker(options.breakAfter ?? 5),
      halfOpenAfter: options.halfOpenAfterMs ?? 10_000,
    });
    const bounded = wrap(this.breaker, timeout(this.#budgetMs, TimeoutStrategy.Cooperative));
    const retries = retry(
      handleWhen((error) => error instanceof AgentUnavailableError && !error.hasAnswered),
      {
        maxAttempts: RETRIES,
        backoff: new ExponentialBackoff({ initialDelay: RETRY_DELAY_MS, maxDelay: 2_000 }),
      },
    );
    this.#run = (call) =>
      retries.execute(async ({ signal }) => {
        this.#refuseBesideTrial();
        return bounded.execute((attempt) => this.#attempt(call, attempt.signal), signal);
      }, call.signal);
  }

  /** The breaker would let the call wait for the trial's end: a whole run, in which its lease and its place are held. */
  #refuseBesideTrial(): void {
    if (this.breaker.state !== CircuitState.HalfOpen) return;
    throw new AgentUnavailableError(this.agent, false, 'it failed too often, and is being tried again');
  }

  async dispatch(call: Dispatch): Promise<AgentAnswer> {
    try {
      return await this.#run(call);
    } catch (error) {
      if (call.signal.aborted) throw call.signal.reason;
      if (isBrokenCircuitError(error))
        throw new AgentUnavailableError(this.agent, false, 'it failed too often, its breaker is open', error);
      throw error;
    }
  }

  async #attempt(call: Dispatch, signal: AbortSignal): Promise<AgentAnswer> {
    const stream = await this.#open(call, signal);
    try {
      return await this.#listen(stream, call, signal);
    } finally {
      // An answer that is not heard to its end, as after garbage, would keep its connection and the agent at work.
      stream.return(undefined).catch(() => undefined);
    }
  }

  async #listen(stream: AsyncGenerator<StreamResponse>, call: Dispatch, signal: AbortSignal): Promise<AgentAnswer> {
    let hasAnswered = false;
    let result: unknown;
    for (;;) {
      const next = await stream.next().catch((error: unknown) => {
        // Whoever asked has ended it, which says nothing of the agent.
        call.signal.throwIfAborted();
        // The timeout policy only aborts the signal: what the stream then breaks with is no fault of the line.
        if (signal.aborted) throw new AgentTimeoutError(this.agent, this.#budgetMs);
        throw new AgentUnavailableError(this.agent, hasAnswered, describeError(error), error);
      });
      if (next.done)
        throw new AgentUnavailableError(this.agent, hasAnswered, 'it ended its answer before the task was done');
      hasAnswered = true;
      const heard = readSignal(next.value);
      if (heard.kind === 'result') result = heard.data;
      if (heard.kind === 'completed')
        return result === undefined
          ? { kind: 'garbage', reason: 'the task is completed without a result' }
          : { kind: 'result', data: result };
      if (heard.kind === 'failed') return readFailure(heard.data);
      if (heard.kind === 'step') {
        const step = stepReportSchema.safeParse(heard.data);
        if (!step.success) return { kind: 'garbage', reason: 'a step does not fit' };
        await call.onStep(step.data);
      }
    }
  }

  async #open(
    { order, messageId, signTokens }: Dispatch,
    signal: AbortSignal,
  ): Promise<AsyncGenerator<StreamResponse>> {
    const [client, tokens] = await Promise.all([this.#connect(), signTokens()]);
    const traceparent = currentTraceparent();
    const serviceParameters = {
      Authorization: `Bearer ${tokens.fleet}`,
      [GATEWAY_TOKEN_HEADER]: tokens.gateway,
      ...(traceparent === undefined ? {} : { traceparent }),
    };
    const message = dataMessage(Role.ROLE_USER, order, { messageId });
    return client.sendMessageStream(
      { tenant: '', message, configuration: undefined, metadata: undefined },
      { signal, serviceParameters },
    );
  }

  /** From our own card and not the agent's: where an agent is, is said by the directory, not by whoever answers there. */
  async #connect(): Promise<Client> {
    try {
      const factory = new ClientFactory({ transports: [new JsonRpcTransportFactory()] });
      return await factory.createFromAgentCard(agentCard(AGENTS[this.agent], this.options.directory(this.agent)));
    } catch (error) {
      throw new AgentUnavailableError(this.agent, false, describeError(error), error);
    }
  }
}

function readFailure(data: unknown): AgentAnswer {
  const failure = failureReportSchema.safeParse(data);
  return failure.success
    ? { kind: 'failure', failure: failure.data }
    : { kind: 'garbage', reason: 'the agent failed without saying why' };
}
