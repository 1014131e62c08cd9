import { parse, subscribe } from 'graphql';
import { Arg, Field, ID, ObjectType, Query, Resolver, Root } from 'type-graphql';
import { describe, expect, it } from 'vitest';
import type { Principal } from '../auth/principal.js';
import type { DomainEvent } from '../events/event.js';
import { buildDomainSchema, printDomainSchema } from '../graphql/build-schema.js';
import { Rights } from '../graphql/rights.js';
import { changeFacts, LiveChange, liveItemUnion } from './live-change.js';
import { LiveField, ResumeAfter } from './live-field.js';
import { CaughtUp, ResyncReason, ResyncRequired } from './types.js';

@Rights('rules:read')
@ObjectType({ description: 'One change of one note.' })
class NoteChange extends LiveChange {
  @Field(() => ID, { description: 'Id of the note.' })
  noteId!: string;
}

const NoteChangeItem = liveItemUnion('NoteChangeItem', 'An item of `noteChanged`.', NoteChange);

const event: DomainEvent = {
  position: 7,
  epoch: '00aa11bb22cc33dd',
  id: '0198c0de-0000-7000-8000-000000000001',
  type: 'note.changed',
  subject: 'n1',
  version: 3,
  tenant: '0198c0de-0000-7000-8000-00000000000a',
  traceparent: undefined,
  body: JSON.stringify({ time: '2026-11-23T12:00:00.000Z', actor: { kind: 'agent', id: 'endpoint' }, data: {} }),
};

@Resolver()
class NoteResolver {
  @Rights('rules:read')
  @Query(() => String, { description: 'A schema needs one.' })
  note(): string {
    return 'n1';
  }

  @Rights('rules:read')
  @LiveField(NoteChangeItem, 'Changes of notes.', async function* (_context: object, { after }: { after?: string }) {
    yield new CaughtUp(after ?? 'start');
    yield Object.assign(new NoteChange(), { ...changeFacts(event, 'c7'), noteId: event.subject });
    yield new ResyncRequired('c7', ResyncReason.RETENTION);
  })
  noteChanged(
    @Root() item: typeof NoteChangeItem,
    @Arg('id', () => ID, { nullable: true, description: 'Id of the note.' }) _id?: string | null,
    @ResumeAfter() _after?: string | null,
  ): typeof NoteChangeItem {
    return item;
  }
}

const schema = buildDomainSchema({ resolvers: [NoteResolver], references: {} });
const principal = (scopes: Principal['scopes']) => ({
  principal: { tenant: event.tenant, subject: 'ann', kind: 'user', scopes } satisfies Principal,
});
const watch = async (scopes: Principal['scopes']) =>
  subscribe({
    schema: await schema,
    document: parse(`subscription { noteChanged(after: "c6") { __typename
      ... on NoteChange { cursor version occurredAt actor { kind id } noteId }
      ... on CaughtUp { cursor } ... on ResyncRequired { since reason } } }`),
    contextValue: principal(scopes),
  });

describe('a live field', () => {
  it('tells of changes with what each of them carries, and of its own state', async () => {
    const items = await watch(['rules:read']);
    const told: unknown[] = [];
    for await (const item of items as AsyncIterable<{ data?: { noteChanged: unknown } }>)
      told.push(item.data?.noteChanged);
    expect(told).toMatchObject([
      { __typename: 'CaughtUp', cursor: 'c6' },
      {
        __typename: 'NoteChange',
        cursor: 'c7',
        version: 3,
        occurredAt: new Date('2026-11-23T12:00:00.000Z'),
        actor: { kind: 'agent', id: 'endpoint' },
        noteId: 'n1',
      },
      { __typename: 'ResyncRequired', since: 'c7', reason: 'RETENTION' },
    ]);
  });

  it('stands under its own rule', async () => {
    expect(await watch([])).toMatchObject({ errors: [{ originalError: { code: 'FORBIDDEN' } }] });
  });

  it('has the base of its changes in the schema as their fields, not as a type; actors look the same in every domain', async () => {
    expect((await schema).getType('LiveChange')).toBeUndefined();
    expect(printDomainSchema(await schema)).toContain('type Actor\n  @shareable');
  });
});
