/**
 * The component `live` of `/healthz`: degraded while any upstream is away. One for all supergraphs that are served or still run
 * on: each with a view of its own would call up what the other one misses.
 */
import type { Health } from '@aurorasoc/kit/health';

export class LiveHealth {
  readonly #troubles = new Map<object, string>();

  constructor(private readonly health: Health) {
    health.set('live', 'up');
  }

  /** @param reason - why the upstream is away; undefined when it is back, or nobody wants it any more. */
  set(upstream: object, reason: string | undefined): void {
    if (reason === undefined) this.#troubles.delete(upstream);
    else this.#troubles.set(upstream, reason);
    const [first] = this.#troubles.values();
    if (first === undefined) this.health.set('live', 'up');
    else this.health.set('live', 'degraded', first);
  }
}
