/** The file of the composed schema, looked at while the gateway runs: a good one takes over, a bad one is told of and left. */
import { describeError } from '@aurorasoc/kit/errors';
import type { Health } from '@aurorasoc/kit/health';
import type { Logger } from '@aurorasoc/kit/log';
import { type LoadedSupergraph, loadSupergraphOf, readSupergraphText } from './supergraph.js';

export interface SupergraphWatchOptions {
  readonly file: string;
  /** What is served already. */
  readonly current: LoadedSupergraph;
  readonly replace: (supergraph: LoadedSupergraph) => Promise<void>;
  readonly health: Health;
  readonly log: Logger;
}

/** Polled, since files that are mounted or renamed into place are told of by no other way that works everywhere. */
const LOOK_EVERY_MS = 1_000;

/**
 * Reads the file itself each time: what tells of changes begins with the file that it finds, and one that came before that, since
 * `current` was read, would be served at the next change only.
 *
 * @returns ends the watch.
 */
export function watchSupergraph({ file, current, replace, health, log }: SupergraphWatchOptions): () => Promise<void> {
  let served = current.sdl;
  let before: string | undefined;
  const look = async (): Promise<void> => {
    const found = tryRead(file);
    // One that is refused is told of once.
    if (String(found) === before) return;
    before = String(found);
    try {
      if (found instanceof Error) throw found;
      if (found !== served) {
        await replace(loadSupergraphOf(file, found));
        served = found;
        log.info({ file }, 'A new supergraph is served');
      }
      health.set('supergraph', 'up');
    } catch (error) {
      const reason = `schema rejected, the former one is served on: ${describeError(error)}`;
      health.set('supergraph', 'degraded', reason);
      log.error({ file, error: describeError(error) }, 'Schema rejected; the former one is served on');
    }
  };
  let looking: Promise<void> | undefined;
  const timer = setInterval(lookAgain, LOOK_EVERY_MS).unref();
  function lookAgain(): void {
    looking ??= look().finally(() => {
      looking = undefined;
    });
  }
  lookAgain();
  return async () => {
    clearInterval(timer);
    await looking;
  };
}

function tryRead(file: string): string | Error {
  try {
    return readSupergraphText(file);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
