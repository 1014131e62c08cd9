/** From matches to alerts: what they are called, how urgent they are, and which of them are one. */
import { createHash } from 'node:crypto';
import { readAttackTags, SIGMA_LEVELS, type SigmaLevel, type SigmaRule } from '@aurorasoc/sigma';
import type { AlertEntity, Severity } from '../alert/alert.entity.js';
import type { EventDocument, IncomingEvent } from '../event/event-store.js';
import { textAt } from '../event/insert-events.js';
import { ingestedAt } from '../event/postgres-event-reader.js';

const SEVERITY_OF_LEVEL: Readonly<Record<SigmaLevel, Severity>> = {
  informational: 'INFORMATIONAL',
  low: 'LOW',
  medium: 'MEDIUM',
  high: 'HIGH',
  critical: 'CRITICAL',
};

/** Sigma leaves the level optional; a rule without one is neither noise nor an emergency. */
export function severityOf(rule: Pick<SigmaRule, 'level'>): Severity {
  return rule.level === null ? 'MEDIUM' : SEVERITY_OF_LEVEL[rule.level];
}

/** The most severe `limit` of `all`, most severe first; within one severity the first ones, in their order. */
export function mostSevere<T>(all: readonly T[], limit: number, ruleOf: (one: T) => SigmaRule): readonly T[] {
  if (all.length <= limit) return all;
  const bySeverity = Map.groupBy(all, (one) => severityOf(ruleOf(one)));
  return SIGMA_LEVELS.toReversed()
    .flatMap((level) => bySeverity.get(SEVERITY_OF_LEVEL[level]) ?? [])
    .slice(0, limit);
}

export function attackOf(rule: Pick<SigmaRule, 'tags'>): { techniques: string[]; tactics: string[] } {
  const { techniques, tactics } = readAttackTags(rule.tags);
  return { techniques: [...techniques], tactics: [...tactics] };
}

/** What matches of one rule must share to be one alert: the same host and the same user. */
const GROUPING_FIELDS = [
  ['host', 'name'],
  ['user', 'name'],
] as const;

export function groupingKeyOf(document: EventDocument): Record<string, string> {
  const key: Record<string, string> = {};
  for (const path of GROUPING_FIELDS) {
    const value = textAt(document, ...path);
    if (value !== null) key[path.join('.')] = value;
  }
  return key;
}

/** Equal for matches of one rule with one grouping key. */
export function fingerprintOf(ruleId: string, groupingKey: Readonly<Record<string, string>>): string {
  return createHash('sha256')
    .update(JSON.stringify([ruleId, Object.entries(groupingKey)]))
    .digest('hex');
}

const ENTITY_PATHS: readonly [AlertEntity['type'], readonly string[]][] = [
  ['HOST', ['host', 'name']],
  ['USER', ['user', 'name']],
  ['IP', ['source', 'ip']],
  ['IP', ['destination', 'ip']],
  ['FILE', ['file', 'path']],
  ['PROCESS', ['process', 'executable']],
];
const MAX_ENTITIES = 50;
/** UTF-16 units. What is longer names nothing that a person looks for, and an alert is written whole with each batch that it counts. */
const MAX_ENTITY = 1_024;

export function entitiesOf(document: EventDocument): readonly AlertEntity[] {
  const found = ENTITY_PATHS.flatMap(([type, path]) => {
    const value = textAt(document, ...path);
    return value === null || value.length > MAX_ENTITY ? [] : [{ type, value }];
  });
  return addEntities([], found);
}

/** Those of `more` that are not known yet go behind the known ones, while there is room. @returns `known` itself when there are none. */
export function addEntities(known: readonly AlertEntity[], more: readonly AlertEntity[]): readonly AlertEntity[] {
  let all = known;
  for (const { type, value } of more) {
    if (all.length >= MAX_ENTITIES) break;
    if (!all.some((entity) => entity.type === type && entity.value === value)) all = [...all, { type, value }];
  }
  return all;
}

/** When the event happened, by its own clock; by ours where it has none. */
export function occurredAt({ document, id }: IncomingEvent): Date {
  const time = Date.parse(textAt(document, '@timestamp') ?? '');
  return Number.isNaN(time) ? ingestedAt(id) : new Date(time);
}
