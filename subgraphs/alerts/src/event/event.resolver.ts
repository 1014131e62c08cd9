import { badUserInput } from '@aurorasoc/kit/errors';
import {
  type Connection,
  decodeKeyset,
  type PagedList,
  pageSize,
  Rights,
  storableTime,
  toConnection,
} from '@aurorasoc/kit/graphql';
import { isUuid } from '@aurorasoc/kit/ids';
import { Arg, Ctx, ID, Int, Query, Resolver } from 'type-graphql';
import type { AlertsContext } from '../context.js';
import { EventConnection, EventType, TimeRangeInput } from './event.type.js';
import type { EventDocument, StoredEvent } from './event-store.js';
import { textAt } from './insert-events.js';
import { parseQuery } from './search/parse-query.js';

const EVENTS: PagedList = { name: 'events', sortedBy: ['time', 'id'] };

@Resolver(() => EventType)
export class EventResolver {
  @Rights('events:read')
  @Query(() => EventType, { nullable: true, description: 'One event by its id.' })
  async event(
    @Arg('id', () => ID, { description: 'Id of the event.' }) id: string,
    @Ctx() { loaders }: AlertsContext,
  ): Promise<EventType | null> {
    if (!isUuid(id)) throw badUserInput('id', 'An event id is a UUID in lower case');
    const event = await loaders.event.load(id);
    return event && toEventType(event);
  }

  @Rights('events:read')
  @Query(() => EventConnection, { description: 'Stored events, newest first.' })
  async events(
    @Ctx() { services, principal }: AlertsContext,
    @Arg('query', () => String, {
      nullable: true,
      description: 'Terms like `host.name:"WS-01" event.code:1`, all of which must hold.',
    })
    query?: string | null,
    @Arg('range', () => TimeRangeInput, { nullable: true, description: 'Only events that happened in it.' })
    range?: TimeRangeInput | null,
    @Arg('first', () => Int, { nullable: true, defaultValue: 50, description: 'Page size, 1 to 200.' }) first?:
      | number
      | null,
    @Arg('after', () => String, { nullable: true, description: 'The `endCursor` of the page before.' }) after?:
      | string
      | null,
  ): Promise<Connection<EventType>> {
    if (range) {
      storableTime('range.from', range.from);
      storableTime('range.to', range.to);
    }
    if (range && range.from >= range.to) throw badUserInput('range', 'A range ends after it begins');
    const size = pageSize(first);
    const keys = decodeKeyset(EVENTS, after) as [string, string] | undefined;
    const found = await services.events.search(principal.tenant, {
      terms: parseQuery(query ?? ''),
      from: range?.from,
      to: range?.to,
      after: keys,
      limit: size + 1,
    });
    return toConnection(EVENTS, found, size, keys !== undefined, toEventType, (event) => [
      event.occurredAt.toISOString(),
      event.id,
    ]);
  }
}

export function toEventType(event: StoredEvent): EventType {
  const document = JSON.parse(event.document) as EventDocument;
  return {
    id: event.id,
    timestamp: event.occurredAt,
    ingestedAt: event.ingestedAt,
    code: event.code,
    dataset: event.dataset,
    hostName: event.hostName,
    userName: event.userName,
    isRaw: event.isRaw,
    original: originalOf(document),
    document,
  };
}

function originalOf(document: EventDocument): string | null {
  const event = document.event;
  const original = event !== null && typeof event === 'object' && !Array.isArray(event) ? event.original : undefined;
  return typeof original === 'string' ? original : textAt(document, 'event', 'original');
}
