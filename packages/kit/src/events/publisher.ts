/** Sequencer, relay and sealer of one domain, as one part of its process. */
import type { Redis } from 'ioredis';
import { Sealer } from '../audit/sealer.js';
import type { Health } from '../health.js';
import type { Logger } from '../log.js';
import { Relay } from './relay.js';
import { Sequencer } from './sequencer.js';

export interface EventPublisherOptions {
  readonly domain: string;
  /** Login of the relay role. */
  readonly databaseUrl: string;
  readonly redis: Redis;
  /** Further stream per event type. */
  readonly routes: Readonly<Record<string, string>>;
  /** Groups by stream that must have been there before entries go early. @default none */
  readonly readers?: Readonly<Record<string, readonly string[]>>;
  /** Types that a wiped stream is filled with again, beside those that are routed. @default all */
  readonly refilled?: readonly string[];
  readonly log: Logger;
  readonly health: Health;
}

export interface EventPublisher {
  stop(): Promise<void>;
}

export function startEventPublisher(options: EventPublisherOptions): EventPublisher {
  const relay = new Relay(options);
  const sealer = new Sealer(options);
  const followers = [relay, sealer];
  const sequencer = new Sequencer({
    domain: options.domain,
    databaseUrl: options.databaseUrl,
    log: options.log,
    health: options.health,
    onPositions: (last) => {
      for (const follower of followers) follower.advance(last);
    },
    onLeadership: (isLeader) => {
      for (const follower of followers) follower.lead(isLeader);
    },
  });
  for (const part of [...followers, sequencer]) part.start();
  return {
    // What is sequenced but not published waits in the table; the next leader publishes it.
    stop: async () => {
      await sequencer.stop();
      await Promise.all(followers.map((follower) => follower.stop()));
    },
  };
}
