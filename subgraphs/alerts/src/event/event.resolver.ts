import { badUserInput } from '@aurorasoc/kit/errors';
import {
  type Connection,
  PageArgs,
  type PagedList,
  Rights,
  readPage,
  storableTime,
  uuidOf,
} from '@aurorasoc/kit/graphql';
import { Arg, Args, ArgsType, Ctx, Field, ID, Query, Resolver } from 'type-graphql';
import type { AlertsContext } from '../context.js';
import { EventConnection, EventType, TimeRangeInput } from './event.type.js';
import type { EventDocument, EventSearch, StoredEvent } from './event-store.js';
import { textAt } from './insert-events.js';
import { parseQuery } from './search/parse-query.js';

const EVENTS: PagedList = { name: 'events', sortedBy: ['time', 'id'] };

@ArgsType()
class EventsArgs extends PageArgs {
  @Field(() => String, {
    nullable: true,
    description: 'Terms like `host.name:"WS-01" event.code:1`, all of which must hold.',
  })
  query?: string | null;

  @Field(() => TimeRangeInput, { nullable: true, description: 'Only events that happened in it.' })
  range?: TimeRangeInput | null;
}

@Resolver(() => EventType)
export class EventResolver {
  @Rights('events:read')
  @Query(() => EventType, { nullable: true, description: 'One event by its id.' })
  async event(
    @Arg('id', () => ID, { description: 'Id of the event.' }) id: string,
    @Ctx() { loaders }: AlertsContext,
  ): Promise<EventType | null> {
    const event = await loaders.event.load(uuidOf('id', id));
    return event && toEventType(event);
  }

  @Rights('events:read')
  @Query(() => EventConnection, { description: 'Stored events, newest first.' })
  async events(
    @Args(() => EventsArgs) args: EventsArgs,
    @Ctx() { services, principal }: AlertsContext,
  ): Promise<Connection<EventType>> {
    const { range } = args;
    if (range) {
      storableTime('range.from', range.from);
      storableTime('range.to', range.to);
    }
    if (range && range.from >= range.to) throw badUserInput('range', 'A range ends after it begins');
    const terms = parseQuery(args.query ?? '');
    return readPage(args, {
      list: EVENTS,
      read: (after, limit) =>
        services.events.search(principal.tenant, {
          terms,
          from: range?.from,
          to: range?.to,
          after: after as EventSearch['after'],
          limit,
        }),
      keysOf: (event) => [event.occurredAt.toISOString(), event.id],
      toNode: toEventType,
    });
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
