/** The members that every resumable live field has beside its items. */
import { GraphQLError, GraphQLScalarType, Kind } from 'graphql';
import { Directive, Field, ObjectType, registerEnumType } from 'type-graphql';
import { Rights, SIGNED_IN } from '../graphql/rights.js';

export const CursorScalar = new GraphQLScalarType<string, string>({
  name: 'Cursor',
  description: 'A place in the order of changes; opaque, valid at every replica, survives restarts.',
  serialize: (value) => String(value),
  parseValue: parseCursor,
  parseLiteral: (node) => parseCursor(node.kind === Kind.STRING ? node.value : undefined),
});

function parseCursor(value: unknown): string {
  if (typeof value === 'string' && value.length <= 200) return value;
  throw new GraphQLError('A cursor is the text that an earlier item carried', { extensions: { code: 'BAD_CURSOR' } });
}

export enum ResyncReason {
  RETENTION = 'RETENTION',
  SLOW_CONSUMER = 'SLOW_CONSUMER',
  RIGHTS_CHANGED = 'RIGHTS_CHANGED',
}
registerEnumType(ResyncReason, {
  name: 'ResyncReason',
  description: 'Why items may be missing.',
  valuesConfig: {
    RETENTION: { description: 'The cursor belongs to a history that is no longer kept.' },
    SLOW_CONSUMER: { description: 'The client read more slowly than changes came.' },
    RIGHTS_CHANGED: { description: 'What the client may see has changed.' },
  },
});

@Directive('@shareable')
@Rights(SIGNED_IN)
@ObjectType({ description: 'Everything up to `cursor` has been delivered; from here on the subscription is live.' })
export class CaughtUp {
  @Field(() => CursorScalar, { description: 'Resume from here.' })
  cursor: string;

  constructor(cursor: string) {
    this.cursor = cursor;
  }
}

@Directive('@shareable')
@Rights(SIGNED_IN)
@ObjectType({
  description:
    'Changes up to `since` may be missing: query again. What follows on this subscription is complete from `since` on.',
})
export class ResyncRequired {
  @Field(() => CursorScalar, { description: 'The last place of which something may be missing.' })
  since: string;

  @Field(() => ResyncReason, { description: 'Why items may be missing.' })
  reason: ResyncReason;

  constructor(since: string, reason: ResyncReason) {
    this.since = since;
    this.reason = reason;
  }
}
