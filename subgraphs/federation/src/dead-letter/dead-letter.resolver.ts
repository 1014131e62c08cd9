import { badUserInput } from '@aurorasoc/kit/errors';
import { type Connection, PageArgs, Rights } from '@aurorasoc/kit/graphql';
import { type CaughtUp, LiveField, ResumeAfter, type ResyncRequired } from '@aurorasoc/kit/live';
import { isEntryId } from '@aurorasoc/kit/streams';
import { Arg, Args, ArgsType, Ctx, Field, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { FederationContext } from '../context.js';
import {
  DeadLetterConnection,
  DeadLetterNotFound,
  DeadLetterReplayed,
  DeadLetterReplayedItem,
  DeadLetterType,
  ReplayDeadLetterResult,
  toDeadLetterType,
} from './dead-letter.type.js';
import { openReplays } from './dead-letter-replayed.js';
import { listTenantLetters, streamOf } from './list-dead-letters.js';
import { replayTenantLetter } from './replay-dead-letter.js';

@ArgsType()
class DeadLettersArgs extends PageArgs {
  @Field(() => String, { nullable: true, description: 'Letters of this stream alone, such as aurora:alerts:events.' })
  stream?: string | null;
}

@Resolver(() => DeadLetterType)
export class DeadLetterResolver {
  @Rights('site:read')
  @Query(() => DeadLetterConnection, {
    description: "Your tenant's entries that consumers gave up, of every stream, newest first.",
  })
  async deadLetters(
    @Args(() => DeadLettersArgs) { stream, ...page }: DeadLettersArgs,
    @Ctx() { services, principal }: FederationContext,
  ): Promise<Connection<DeadLetterType>> {
    const found = await listTenantLetters(services.runtime.redis, principal.tenant, stream, page);
    const edges = found.edges.map(({ cursor, node }) => ({ cursor, node: toDeadLetterType(node) }));
    return { ...found, edges, nodes: edges.map(({ node }) => node) };
  }

  @Rights('site:operate')
  @Mutation(() => ReplayDeadLetterResult, {
    description: 'Has the consumer group that gave an entry up handle it once more. Gives the letter as it was.',
  })
  async replayDeadLetter(
    @Arg('stream', () => String, { description: 'The stream that the entry came from.' }) stream: string,
    @Arg('id', () => ID, { description: "The letter's `id`." }) id: string,
    @Ctx() { services, principal }: FederationContext,
  ): Promise<DeadLetterType | DeadLetterNotFound> {
    if (!isEntryId(id)) throw badUserInput('id', 'The id of a letter is two numbers with a hyphen between');
    const letter = await replayTenantLetter(services, principal, streamOf(stream), id);
    return letter ? toDeadLetterType(letter) : Object.assign(new DeadLetterNotFound(), { stream, id });
  }
}

@Resolver(() => DeadLetterReplayed)
export class DeadLetterReplayResolver {
  @Rights('site:read')
  @LiveField(
    DeadLetterReplayedItem,
    "Replays of your tenant's dead letters, as they are asked for. With `after` everything behind that cursor first.",
    (context: FederationContext, { after }: { after?: string | null }) => openReplays(context, after ?? undefined),
  )
  deadLetterReplayed(
    @Root() item: DeadLetterReplayed | CaughtUp | ResyncRequired,
    @ResumeAfter() _after?: string | null,
  ): DeadLetterReplayed | CaughtUp | ResyncRequired {
    return item;
  }
}
