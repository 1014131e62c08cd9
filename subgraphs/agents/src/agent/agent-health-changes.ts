/** The items of `agentHealthChanged`: ephemeral, from now on. */
import type { AgentHealth } from './agent-health.js';
import type { AgentName } from './agent-registry.js';

/**
 * An iterator by hand, so that closing it takes effect at once. A subscriber that reads slowly gets the newest condition of
 * each agent and not each step on the way there.
 */
export class AgentHealthChanges implements AsyncIterableIterator<AgentName> {
  readonly #changed = new Set<AgentName>();
  readonly #stopListening: () => void;
  #isClosed = false;
  #wake: () => void = () => undefined;

  constructor(health: AgentHealth) {
    this.#stopListening = health.onChange(({ agent }) => {
      this.#changed.add(agent);
      this.#wake();
    });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<AgentName>> {
    while (!this.#isClosed) {
      const [agent] = this.#changed;
      if (agent !== undefined) {
        this.#changed.delete(agent);
        return { value: agent, done: false };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return { value: undefined, done: true };
  }

  async return(): Promise<IteratorResult<AgentName>> {
    this.#isClosed = true;
    this.#stopListening();
    this.#wake();
    return { value: undefined, done: true };
  }
}
