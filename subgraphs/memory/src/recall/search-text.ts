/** Finds entries by their words. */
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';
import { type RecallFilter, recallable } from './recall-filter.js';

/** A longer question is cut: each word is looked for in each entry. */
const MAX_WORDS = 64;

/**
 * Ids of entries that have any of the query's words, in whichever form (English stems), best first. Words as people separate
 * them, so that PostgreSQL's own parser knows host names and file names as such.
 */
export async function searchText(
  em: EntityManager,
  query: string,
  filter: RecallFilter,
  limit: number,
): Promise<string[]> {
  const words = [...new Set(query.split(/\s+/u).filter((word) => word !== ''))].slice(0, MAX_WORDS);
  const { sql, parameters } = recallable(filter);
  // A part is empty where the word is none, such as "the" or "–".
  const rows = (await em.execute(
    `with asked as (
       select string_agg('(' || part::text || ')', ' | ')::tsquery as query
       from (select plainto_tsquery('english', word) as part from unnest(?::text[]) as words (word)) as parts
       where numnode(part) > 0
     )
     select id from memory.entry, asked where ${sql} and search @@ asked.query
     order by ts_rank(search, asked.query) desc, id desc limit ?`,
    [arrayLiteral(words), ...parameters, limit],
  )) as { id: string }[];
  return rows.map(({ id }) => id);
}
