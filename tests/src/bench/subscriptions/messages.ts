/** What the bench and the processes that it forks say to each other. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** To the fleet of clients. */
export type FleetOrder =
  /** Opens so many clients, who share the tokens by turns; answered by `ready` once each has caught up. */
  | {
      readonly kind: 'open';
      readonly url: string;
      readonly tokens: readonly string[];
      readonly clients: number;
      readonly query: string;
    }
  /** Answered by `delivered` once each client has so many changes more than at the last such order. */
  | { readonly kind: 'await'; readonly changes: number }
  /** Ends every connection as a broken network does; each client comes back with its last cursor. Answered by `ready`. */
  | { readonly kind: 'cut' }
  /** Answered by `report`. */
  | { readonly kind: 'report' };

export type FleetAnswer =
  | { readonly kind: 'ready' }
  /** @property ms - from the first delivery to the last. */
  | { readonly kind: 'delivered'; readonly ms: number }
  | {
      readonly kind: 'report';
      readonly delivered: number;
      /** Changes that one client has and another has not, summed over all clients. */
      readonly lost: number;
      readonly twice: number;
      readonly resyncs: number;
      readonly reconnects: number;
    };

/** To the bare server: pushes so many changes to each client, one after the other. */
export interface PushOrder {
  readonly kind: 'push';
  readonly changes: number;
}

export interface Forked {
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

/** @param name - of a program beside this one. */
export function forkProgram(name: string): Forked {
  const file = fileURLToPath(new URL(`../../../dist/bench/subscriptions/${name}.js`, import.meta.url));
  const child = fork(file, [], { env: {}, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    child,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** The program's next message; rejects when it ends instead. */
export async function nextMessage<T>({ child }: Forked): Promise<T> {
  const over = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', { signal: over.signal }).then(([message]) => message as T),
      once(child, 'exit', { signal: over.signal }).then(() =>
        Promise.reject(new Error('a program of the bench ended')),
      ),
    ]);
  } finally {
    over.abort();
  }
}
