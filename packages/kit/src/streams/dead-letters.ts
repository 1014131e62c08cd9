/**
 * The dead-letter stream beside each stream: what could not be handled, with the reason, kept for a person to look at and to
 * replay. A replay goes to the one group that failed, by a stream of its own: other groups have handled the entry, and the
 * entry's place in its own stream is taken.
 */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { AuroraError, describeError, NewerSchemaError } from '../errors.js';
import { compareEntryIds, parseEntry, type RawEntry, type StreamEntry } from './entry.js';

export function deadLetterStream(stream: string): string {
  return `${stream}:dead`;
}

/** What a group reads beside the stream itself. */
export function replayStream(stream: string, group: string): string {
  return `${stream}:replay:${group}`;
}

export interface Burial {
  readonly group: string;
  readonly attempts: number;
  readonly error: unknown;
}

/** Ids of a group's letters that a newer release can read: what a start looks through, however many others there are. */
function tooNewKey(stream: string, group: string): string {
  return `${deadLetterStream(stream)}:too-new:${group}`;
}

/**
 * KEYS: 1 dead letters, 2 where the entry was read, 3 its group's letters that are too new. ARGV: 1 group, 2 entry's id, 3 "1"
 * where the entry is to go, 4 "1" where it is too new, 5 and on: fields of the letter. Returns 0 where the entry was not pending any
 * more: another consumer, which had taken it over, was faster.
 */
const BURY = `
if #redis.call('XPENDING', KEYS[2], ARGV[1], ARGV[2], ARGV[2], 1) == 0 then return 0 end
local letter = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 5))
if ARGV[4] == '1' then redis.call('SADD', KEYS[3], letter) end
redis.call('XACK', KEYS[2], ARGV[1], ARGV[2])
if ARGV[3] == '1' then redis.call('XDEL', KEYS[2], ARGV[2]) end
return 1
`;

/**
 * Moves an entry to the dead letters and acknowledges it, in one step.
 * The letter holds the entry's fields as they were, and beside them `dead_*`: stream, tenant, group, id, code, reason, attempts,
 * time and the SHA-256 of the payload.
 *
 * @returns false where somebody else had ended it.
 */
export async function buryEntry(redis: Redis, entry: StreamEntry, burial: Burial): Promise<boolean> {
  const payload = JSON.stringify([...entry.fields]);
  const facts = {
    dead_stream: entry.stream,
    // Where the writer could not know it, the entry was given it on the way.
    dead_tenant: entry.tenant,
    dead_group: burial.group,
    dead_id: entry.entryId,
    dead_code: burial.error instanceof AuroraError ? burial.error.code : 'HANDLER_FAILED',
    dead_reason: describeError(burial.error).slice(0, 2_000),
    dead_attempts: String(burial.attempts),
    dead_at: new Date().toISOString(),
    dead_sha256: createHash('sha256').update(payload).digest('hex'),
  };
  const keys = [deadLetterStream(entry.stream), entry.key, tooNewKey(entry.stream, burial.group)];
  // Replays are read by this group alone: what stayed there would stay for ever.
  const isReplay = entry.key !== entry.stream;
  const isTooNew = burial.error instanceof NewerSchemaError;
  const buried = await redis.eval(
    BURY,
    keys.length,
    ...keys,
    ...[burial.group, entry.entryId, isReplay ? '1' : '0', isTooNew ? '1' : '0'],
    ...[...entry.fields, ...Object.entries(facts)].flat(),
  );
  return buried === 1;
}

/** A dead letter as a person meets it. */
export interface DeadLetter {
  /** Its id in the dead-letter stream; later letters have greater ones. */
  readonly id: string;
  /** The stream that the entry came from. */
  readonly stream: string;
  readonly group: string;
  /** Id of the message; the same at each try. */
  readonly messageId: string;
  /** Empty where the entry named none. */
  readonly tenant: string;
  readonly code: string;
  readonly reason: string;
  readonly attempts: number;
  readonly buriedAt: Date;
  /** Of the fields as JSON, hexadecimal. */
  readonly sha256: string;
  /** The entry as it was. */
  readonly fields: ReadonlyMap<string, LetterField>;
}

export interface LetterField {
  /** The first {@link SHOWN_CHARACTERS} of it: an ingested batch may be megabytes, and this much tells what it is. */
  readonly value: string;
  /** Of the whole, UTF-8. */
  readonly bytes: number;
}

/** UTF-16 units. */
export const SHOWN_CHARACTERS = 2_000;
/** Of none that it would cut is anything shown: a character has at most three bytes for each of its UTF-16 units. */
const SHOWN_BYTES = 3 * SHOWN_CHARACTERS;

const FACT = 'dead_';
/** Letters that one look reads. Some hold hundreds of kilobytes, and nobody is served meanwhile. */
const SCAN = 50;

export interface DeadLetterPage {
  /** Id of the letter behind which the page begins; newest first. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Streams that have dead letters of whichever tenant, by name: found by what exists, so that every domain's show. */
export async function findDeadLetterStreams(redis: Redis): Promise<string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(
      cursor,
      'MATCH',
      deadLetterStream('aurora:*'),
      'COUNT',
      1_000,
      'TYPE',
      'stream',
    );
    for (const key of keys) found.add(key.slice(0, -deadLetterStream('').length));
    cursor = next;
  } while (cursor !== '0');
  return [...found].sort();
}

/**
 * A page of all tenants' letters, of which the tenant's come over, with what is shown of them: the rest stays in Redis, as some hold
 * hundreds of kilobytes.
 *
 * KEYS: 1 dead letters. ARGV: 1 up to which id, 2 how many, 3 tenant, 4 bytes of a value. Returns the last id of the page, where there
 * may be another, and entries as XREVRANGE does, with a third list: bytes of the whole values.
 */
const LIST_LETTERS = `
local page = redis.call('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2])
local found = {}
for _, letter in ipairs(page) do
  local fields = letter[2]
  local tenant = ''
  for i = 1, #fields, 2 do
    if fields[i] == 'dead_tenant' or (fields[i] == 'tenant' and tenant == '') then tenant = fields[i + 1] end
  end
  if tenant == ARGV[3] then
    local lengths = {}
    for at = 2, #fields, 2 do
      lengths[#lengths + 1] = #fields[at]
      fields[at] = string.sub(fields[at], 1, ARGV[4])
    end
    found[#found + 1] = { letter[1], fields, lengths }
  end
end
local isFull = #page == tonumber(ARGV[2])
return { isFull and page[#page][1] or '', found }
`;

/** A tenant's letters of one stream, newest first. */
export async function listDeadLetters(
  redis: Redis,
  stream: string,
  tenant: string,
  { after, limit }: DeadLetterPage,
): Promise<DeadLetter[]> {
  const found: DeadLetter[] = [];
  for (let end = after === undefined ? '+' : `(${after}`; found.length < limit; ) {
    const key = deadLetterStream(stream);
    const [last, page] = (await redis.eval(LIST_LETTERS, 1, key, end, SCAN, tenant, SHOWN_BYTES)) as [
      string,
      [...RawEntry, lengths: number[]][],
    ];
    found.push(...page.map(([id, fields, lengths]) => readLetter(stream, [id, fields], lengths)));
    if (last === '') break;
    end = `(${last}`;
  }
  return found.slice(0, limit);
}

/** @returns undefined where the tenant has no such letter, also after its replay. */
export async function findDeadLetter(
  redis: Redis,
  stream: string,
  tenant: string,
  id: string,
): Promise<DeadLetter | undefined> {
  const [raw] = (await redis.xrange(deadLetterStream(stream), id, id)) as RawEntry[];
  const letter = raw === undefined ? undefined : readLetter(stream, raw);
  return letter?.tenant === tenant ? letter : undefined;
}

/**
 * KEYS: 1 dead letters, 2 replay stream of the letter's group, 3 the group's letters that are too new. ARGV: 1 letter's id.
 * Returns 1 when it was moved, 0 when somebody else was faster.
 */
const REPLAY = `
redis.call('SREM', KEYS[3], ARGV[1])
local letter = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not letter then return 0 end
local entry = {}
for i = 1, #letter[2], 2 do
  if string.sub(letter[2][i], 1, ${FACT.length}) ~= '${FACT}' then
    entry[#entry + 1] = letter[2][i]
    entry[#entry + 1] = letter[2][i + 1]
  end
end
redis.call('XADD', KEYS[2], '*', unpack(entry))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
`;

/** Has the letter's group handle it once more. @returns false when it is gone: replayed by somebody else. */
export async function replayDeadLetter(
  redis: Redis,
  { stream, group, id }: Pick<DeadLetter, 'stream' | 'group' | 'id'>,
): Promise<boolean> {
  const keys = [deadLetterStream(stream), replayStream(stream, group), tooNewKey(stream, group)];
  return (await redis.eval(REPLAY, keys.length, ...keys, id)) === 1;
}

/**
 * Gives a group once more, in their order, what it could not read because it was of a newer release: to be called when a
 * process starts, which may be that release. Those that are buried again meanwhile, by a replica that is still of the former
 * one, are left. @returns how many.
 */
export async function replayTooNew(redis: Redis, stream: string, group: string): Promise<number> {
  const ids = await redis.smembers(tooNewKey(stream, group));
  let count = 0;
  for (const id of ids.toSorted(compareEntryIds)) if (await replayDeadLetter(redis, { stream, group, id })) count += 1;
  return count;
}

/** KEYS: 1 dead letters, 2 the group's letters that are too new. Forgets those that are gone, as an erased tenant's are. */
const HAS_TOO_NEW = `
for _, id in ipairs(redis.call('SMEMBERS', KEYS[2])) do
  if redis.call('XRANGE', KEYS[1], id, id)[1] then return 1 end
  redis.call('SREM', KEYS[2], id)
end
return 0
`;

/** Whether something of a newer release waits for the group. */
export async function hasTooNew(redis: Redis, stream: string, group: string): Promise<boolean> {
  const keys = [deadLetterStream(stream), tooNewKey(stream, group)];
  return (await redis.eval(HAS_TOO_NEW, keys.length, ...keys)) === 1;
}

/** @param lengths - bytes of the whole values, where `raw` has parts of them. */
function readLetter(stream: string, raw: RawEntry, lengths?: readonly number[]): DeadLetter {
  const { fields, tenant, messageId, entryId } = parseEntry(stream, raw);
  const shown = [...fields].map(([name, value], index) => {
    const bytes = lengths?.[index] ?? Buffer.byteLength(value);
    return [name, { value: value.slice(0, SHOWN_CHARACTERS), bytes }] as const;
  });
  const fact = (name: string): string => fields.get(`${FACT}${name}`) ?? '';
  return {
    id: entryId,
    stream,
    group: fact('group'),
    messageId: fields.has('id') ? messageId : fact('id'),
    // Letters of a former release lack the fact.
    tenant: fact('tenant') || tenant,
    code: fact('code'),
    reason: fact('reason'),
    attempts: Number(fact('attempts')),
    buriedAt: new Date(fact('at')),
    sha256: fact('sha256'),
    fields: new Map(shown.filter(([name]) => !name.startsWith(FACT))),
  };
}
