/** What clients say of entries, checked. */
import type { Principal } from '@aurorasoc/kit/auth';
import { actorOf } from '@aurorasoc/kit/auth';
import { badUserInput } from '@aurorasoc/kit/errors';
import { storableText, uuidOf } from '@aurorasoc/kit/graphql';
import type { SourceKind, Trust } from '../events.js';
import type { MemoryEntryFilterInput, MemorySourceInput, RememberInput } from './entry.type.js';
import type { EntryFilter } from './list-entries.js';
import type { Memorable } from './remember.js';

const MAX_TITLE = 300;
const MAX_TEXT = 16_000;
const MAX_SOURCE = 500;
const MAX_REASON = 1_000;
const MAX_TAG = 64;
const MAX_TAGS = 20;
const MAX_KEY = 200;

/** @throws AuroraError `BAD_USER_INPUT` */
export function readMemorable(input: RememberInput, principal: Principal, now: Date): Memorable {
  const source = readSource(input.source, principal);
  return {
    tenant: principal.tenant,
    tier: input.tier,
    title: meaningfulText('input.title', input.title, MAX_TITLE),
    text: meaningfulText('input.text', input.text, MAX_TEXT),
    source,
    alertId: source.kind === 'ALERT' ? source.id : null,
    trust: trustOf(principal),
    tags: readTags(input.tags ?? []),
    author: actorOf(principal),
    createdAt: now,
    ...(input.key == null ? {} : { key: meaningfulText('input.key', input.key, MAX_KEY) }),
  };
}

/** An agent that acts for a person is still an agent. */
export function trustOf({ kind, actor }: Principal): Trust {
  if (kind === 'agent' || actor !== undefined) return 'MACHINE';
  return kind === 'user' ? 'PERSON' : 'SYSTEM';
}

/** @throws AuroraError `BAD_USER_INPUT` */
export function readReason(reason: string): string {
  return meaningfulText('reason', reason, MAX_REASON);
}

/** @throws AuroraError `BAD_USER_INPUT` */
export function readEntryFilter(input: MemoryEntryFilterInput | null | undefined): EntryFilter {
  if (!input) return {};
  return {
    tiers: input.tiers ?? undefined,
    sourceKind: input.sourceKind ?? undefined,
    sourceId: input.sourceId == null ? undefined : storableText('filter.sourceId', input.sourceId, MAX_SOURCE),
    trust: input.trust ?? undefined,
    tag: input.tag == null ? undefined : storableText('filter.tag', input.tag, MAX_TAG),
    isQuarantined: input.isQuarantined ?? undefined,
  };
}

function readSource(
  source: MemorySourceInput | null | undefined,
  principal: Principal,
): { kind: SourceKind; id: string } {
  if (!source || source.kind === 'AUTHOR') return { kind: 'AUTHOR', id: principal.subject };
  const { kind } = source;
  if (kind === 'DOCUMENT') return { kind, id: meaningfulText('input.source.id', source.id, MAX_SOURCE) };
  return { kind, id: uuidOf('input.source.id', source.id) };
}

function readTags(tags: readonly string[]): string[] {
  if (tags.length > MAX_TAGS) throw badUserInput('input.tags', `At most ${MAX_TAGS} tags`);
  return [...new Set(tags.map((tag, index) => meaningfulText(`input.tags[${index}]`, tag, MAX_TAG).trim()))];
}

function meaningfulText(field: string, text: string, maxLength: number): string {
  if (text.trim() === '') throw badUserInput(field, 'It must not be blank');
  return storableText(field, text, maxLength);
}
