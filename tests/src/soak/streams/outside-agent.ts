/**
 * The outside target of the soak: an A2A agent of somebody else's, in a process of its own. It makes an effect once per message
 * id, as the protocol lets it, refuses orders under an older fence than it has seen, and writes down whatever it saw. An effect
 * that was begun is made, also when whoever ordered it is gone by then.
 *
 * A program of {@link forkProgram} that takes {@link OutsideOrder}s; the first of them begins it.
 */
import { createServer } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { A2A_PROTOCOL_VERSION, AGENT_CARD_PATH, type AgentCard, type Part, TaskState } from '@a2a-js/sdk';
import {
  AgentEvent,
  type AgentExecutor,
  DefaultRequestHandler,
  type ExecutionEventBus,
  InMemoryTaskStore,
  type RequestContext,
} from '@a2a-js/sdk/server';
import { agentCardHandler, jsonRpcHandler, UserBuilder } from '@a2a-js/sdk/server/express';
import { listen } from '@aurorasoc/kit/health';
import express from 'express';
import { History, now } from './history.js';

interface Order {
  readonly taskId: string;
  readonly fence?: number;
  readonly instruction: { readonly alertId: string };
}

export interface OutsideOrder {
  /** File of the history. */
  readonly history: string;
  /** From an order of a task to its effect, milliseconds, from the next order on. */
  readonly effectMs: number;
}

/** Answer to each order. */
export interface OutsideReport {
  readonly url: string;
}

let effectMs = 0;
const VERDICT = {
  disposition: 'UNDETERMINED',
  severity: 'HIGH',
  confidence: 0.5,
  summary: 'Seen by an agent outside.',
  claims: [],
  techniques: [],
  entities: [],
  timeline: [],
  nextSteps: [],
  couldNotCheck: [],
  isBudgetExhausted: false,
};

class EffectOnce implements AgentExecutor {
  readonly #effects = new Map<string, Promise<void>>();
  readonly #fences = new Map<string, number>();

  constructor(private readonly history: History) {}

  async execute({ userMessage, taskId, contextId }: RequestContext, bus: ExecutionEventBus): Promise<void> {
    const order = readOrder(userMessage.parts);
    const { messageId } = userMessage;
    const fence = order.fence ?? 0;
    const seen = { alert: order.instruction.alertId, message: messageId, fence };
    this.history.record({ kind: 'ordered', ...seen, at: now() });
    bus.publish(
      AgentEvent.task({
        id: taskId,
        contextId,
        status: { state: TaskState.TASK_STATE_WORKING, message: undefined, timestamp: new Date().toISOString() },
        artifacts: [],
        history: [],
        metadata: undefined,
      }),
    );
    const isStale = fence < (this.#fences.get(order.taskId) ?? 0);
    if (!isStale) {
      this.#fences.set(order.taskId, fence);
      const effect = this.#effects.get(messageId) ?? this.#make(seen);
      this.#effects.set(messageId, effect);
      await effect;
      this.#tellResult(bus, taskId, contextId);
    }
    bus.publish(
      AgentEvent.statusUpdate({
        taskId,
        contextId,
        status: {
          state: isStale ? TaskState.TASK_STATE_REJECTED : TaskState.TASK_STATE_COMPLETED,
          message: undefined,
          timestamp: new Date().toISOString(),
        },
        metadata: undefined,
      }),
    );
  }

  /** Nothing here is cancelled: an effect cannot be. */
  async cancelTask(): Promise<void> {}

  async #make(seen: { alert: string; message: string; fence: number }): Promise<void> {
    await wait(effectMs);
    this.history.record({ kind: 'effect', ...seen, at: now() });
  }

  #tellResult(bus: ExecutionEventBus, taskId: string, contextId: string): void {
    const part: Part = {
      content: { $case: 'data', value: VERDICT },
      metadata: undefined,
      filename: '',
      mediaType: 'application/json',
    };
    bus.publish(
      AgentEvent.artifactUpdate({
        taskId,
        contextId,
        artifact: {
          artifactId: 'result',
          name: 'result',
          description: '',
          parts: [part],
          metadata: undefined,
          extensions: [],
        },
        append: false,
        lastChunk: true,
        metadata: undefined,
      }),
    );
  }
}

function readOrder(parts: readonly Part[]): Order {
  const content = parts[0]?.content;
  if (content?.$case !== 'data') throw new Error('the message carries no order');
  return content.value as Order;
}

function card(url: string): AgentCard {
  return {
    name: 'orchestrator',
    description: 'An agent outside',
    version: '1.0.0',
    supportedInterfaces: [{ url, protocolBinding: 'JSONRPC', protocolVersion: A2A_PROTOCOL_VERSION, tenant: '' }],
    provider: { organization: 'Somebody else', url: '' },
    capabilities: { streaming: true, pushNotifications: false, extendedAgentCard: false, extensions: [] },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: ['application/json'],
    defaultOutputModes: ['application/json'],
    skills: [],
    signatures: [],
  };
}

async function begin(history: string): Promise<OutsideReport> {
  const app = express();
  const server = createServer(app);
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}`;
  const requestHandler = new DefaultRequestHandler(
    card(url),
    new InMemoryTaskStore(),
    new EffectOnce(new History(history)),
  );
  app.use(`/${AGENT_CARD_PATH}`, agentCardHandler({ agentCardProvider: requestHandler }));
  app.use(jsonRpcHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication }));
  return { url };
}

let begun: Promise<OutsideReport> | undefined;
process.on('message', (order: OutsideOrder) => {
  ({ effectMs } = order);
  begun ??= begin(order.history);
  begun.then(
    (report) => process.send?.(report),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
// Whoever started it may be killed.
process.on('disconnect', () => process.exit());
