/** Remembers investigations as they end; entry and inbox row commit together, so each is remembered once. */
import type { Database } from '@aurorasoc/kit/database';
import { handleOnce, type StreamEntry } from '@aurorasoc/kit/streams';
import type { Embedder } from '../embedding/embedder.js';
import type { EntryLog } from '../entry/entry-log.js';
import { embedMemories, remember } from '../entry/remember.js';
import { EPISODES_GROUP, episodeOf } from './episode.js';

export interface EpisodeServices {
  readonly log: EntryLog;
  readonly embedder: Embedder;
}

/** The stream handler. */
export function rememberEpisodes(
  database: Database,
  { log, embedder }: EpisodeServices,
): (entries: readonly StreamEntry[]) => Promise<void> {
  return async (entries) => {
    // Before the transaction, which must not stay open for as long as an embedder takes; of those that turn out to have been
    // handled before, nothing is kept.
    const now = new Date();
    const episodes = entries.flatMap((entry) => {
      const episode = episodeOf(entry, now);
      return episode === undefined ? [] : [{ entry, episode }];
    });
    const memories = await embedMemories(
      embedder,
      episodes.map(({ episode }) => episode),
    );
    const memoryOf = new Map(episodes.map(({ entry }, index) => [entry, memories[index]]));
    await handleOnce(database, EPISODES_GROUP, async (em, fresh) => {
      for (const entry of fresh) {
        const memory = memoryOf.get(entry);
        if (memory !== undefined) await remember(em, log, memory);
      }
    })(entries);
  };
}
