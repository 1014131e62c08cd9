/** From matches to alerts: what they are called, how urgent they are, and which of them are one. */
import { createHash } from 'node:crypto';
import { readAttackTags, type SigmaLevel, type SigmaRule } from '@aurorasoc/sigma';
import type { AlertEntity, Severity } from '../alert/alert.entity.js';
import type { EventDocument, IncomingEvent } from '../event/event-store.js';
import { textAt } from '../event/insert-events.js';
import { ingestedAt } from '../event/postgres-event-reader.js';

/** A rule matched an event. */
export interface Signal {
  readonly rule: SigmaRule;
  readonly event: IncomingEvent;
  /** W3C trace context of the span in which it matched. */
  readonly traceparent: string | undefined;
}

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

/** The entities of `events` added to those already known, each once. */
export function collectEntities(known: readonly AlertEntity[], events: readonly IncomingEvent[]): AlertEntity[] {
  const found = new Map(known.map((entity) => [`${entity.type} ${entity.value}`, entity]));
  for (const { document } of events) {
    for (const [type, path] of ENTITY_PATHS) {
      const value = textAt(document, ...path);
      if (value !== null && found.size < MAX_ENTITIES) found.set(`${type} ${value}`, { type, value });
    }
  }
  return [...found.values()];
}

/** When the event happened, by its own clock; by ours where it has none. */
export function occurredAt({ document, id }: IncomingEvent): Date {
  const time = Date.parse(textAt(document, '@timestamp') ?? '');
  return Number.isNaN(time) ? ingestedAt(id) : new Date(time);
}
