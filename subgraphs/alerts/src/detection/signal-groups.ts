/**
 * Signals that are one alert, put together while events are matched. A tenant may hold thousands of rules that match every event,
 * and each opens an alert for each host and user: what they raise has an end, and the most severe ones are raised.
 */
import type { Evaluation, SigmaRule } from '@aurorasoc/sigma';
import type { AlertEntity } from '../alert/alert.entity.js';
import type { IncomingEvent } from '../event/event-store.js';
import { addEntities, entitiesOf, fingerprintOf, groupingKeyOf, mostSevere, occurredAt } from './signals.js';

/** Rules that may raise alerts of one event: so many at most are looked at beyond whether they match. */
export const MAX_RULES_PER_EVENT = 100;
/** Alerts that one batch may open or count up: some four for each of as many events as it may have, each of a host of its own. */
export const MAX_ALERTS_PER_BATCH = 2_000;
/** Evidence beyond this many events adds nothing that the count does not say. */
export const MAX_EVENTS_PER_ALERT = 1_000;

/** What is told of signals, however many. */
interface Sightings {
  readonly count: number;
  /** Milliseconds since the epoch, by the events' own clock. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Of the first ones, at most {@link MAX_EVENTS_PER_ALERT}. */
  readonly eventIds: readonly string[];
  readonly entities: readonly AlertEntity[];
}

export class SignalGroup implements Sightings {
  count = 0;
  firstSeen = Number.POSITIVE_INFINITY;
  lastSeen = Number.NEGATIVE_INFINITY;
  readonly eventIds: string[] = [];
  entities: readonly AlertEntity[] = [];
  #fingerprint: string | undefined;

  /** @param traceparent - W3C trace context of the span in which the first of them matched. */
  constructor(
    readonly rule: SigmaRule,
    readonly groupingKey: Readonly<Record<string, string>>,
    readonly traceparent: string | undefined,
  ) {}

  get fingerprint(): string {
    this.#fingerprint ??= fingerprintOf(this.rule.id, this.groupingKey);
    return this.#fingerprint;
  }

  add({ count, firstSeen, lastSeen, eventIds, entities }: Sightings): void {
    this.count += count;
    this.firstSeen = Math.min(this.firstSeen, firstSeen);
    this.lastSeen = Math.max(this.lastSeen, lastSeen);
    for (const id of eventIds) if (this.eventIds.length < MAX_EVENTS_PER_ALERT) this.eventIds.push(id);
    this.entities = addEntities(this.entities, entities);
  }
}

/** The signals of one batch that raise alerts. */
export interface BatchSignals {
  /** At most {@link MAX_ALERTS_PER_BATCH}, no two with the same fingerprint. */
  readonly groups: readonly SignalGroup[];
  /** Of all groups. */
  readonly count: number;
  /** Further signals, which raise nothing: of events or of a batch with more than may. */
  readonly leftOut: number;
  /** Events of which a rule saw a part only. */
  readonly truncatedEvents: number;
}

export class SignalCollector {
  /** By grouping key, and by rule. */
  readonly #groups = new Map<string, Map<string, SignalGroup>>();
  #count = 0;
  #truncatedEvents = 0;

  /** @param traceparent - W3C trace context of the span in which the batch is matched. */
  constructor(private readonly traceparent: string | undefined) {}

  add(event: IncomingEvent, { rules: matching, isTruncated }: Evaluation): void {
    if (isTruncated) this.#truncatedEvents += 1;
    if (matching.length === 0) return;
    this.#count += matching.length;
    const groupingKey = groupingKeyOf(event.document);
    const ofKey = this.#groupsOf(groupingKey);
    const sighting = sightingOf(event);
    for (const rule of mostSevere(matching, MAX_RULES_PER_EVENT, (one) => one)) {
      const group = ofKey.get(rule.id) ?? new SignalGroup(rule, groupingKey, this.traceparent);
      ofKey.set(rule.id, group);
      group.add(sighting);
    }
  }

  finish(): BatchSignals {
    const all = [...this.#groups.values()].flatMap((ofKey) => [...ofKey.values()]);
    const groups = mostSevere(all, MAX_ALERTS_PER_BATCH, ({ rule }) => rule);
    const count = groups.reduce((sum, group) => sum + group.count, 0);
    return { groups, count, leftOut: this.#count - count, truncatedEvents: this.#truncatedEvents };
  }

  #groupsOf(groupingKey: Readonly<Record<string, string>>): Map<string, SignalGroup> {
    const key = JSON.stringify(groupingKey);
    const groups = this.#groups.get(key) ?? new Map<string, SignalGroup>();
    this.#groups.set(key, groups);
    return groups;
  }
}

function sightingOf(event: IncomingEvent): Sightings {
  const time = occurredAt(event).getTime();
  return { count: 1, firstSeen: time, lastSeen: time, eventIds: [event.id], entities: entitiesOf(event.document) };
}

/** One group for each alert, by the order in which they come first; those of the batches stay as they are. */
export function mergeGroups(batches: readonly BatchSignals[]): SignalGroup[] {
  const merged = new Map<string, SignalGroup>();
  for (const group of batches.flatMap(({ groups }) => groups)) {
    const known = merged.get(group.fingerprint) ?? new SignalGroup(group.rule, group.groupingKey, group.traceparent);
    merged.set(group.fingerprint, known);
    known.add(group);
  }
  return [...merged.values()];
}
