/** The file of the composed schema, looked at while the gateway runs: a good one takes over, a bad one is told of and left. */
import { unwatchFile, watchFile } from 'node:fs';
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

/** @returns ends the watch. */
export function watchSupergraph({ file, current, replace, health, log }: SupergraphWatchOptions): () => Promise<void> {
  let served = current.sdl;
  let last: Promise<void> = Promise.resolve();
  const look = async (): Promise<void> => {
    try {
      const found = readSupergraphText(file);
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
  const onChange = (): void => {
    last = last.then(look);
  };
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, onChange);
  // Another one may have come between the first reading and the beginning of the watch, which tells of later changes only.
  onChange();
  return async () => {
    unwatchFile(file, onChange);
    await last;
  };
}
