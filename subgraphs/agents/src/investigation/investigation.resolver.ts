import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import { type Connection, entityPage, PageArgs, Rights, storableText, uuidOf } from '@aurorasoc/kit/graphql';
import { ActorType, LiveField, ResumeAfter } from '@aurorasoc/kit/live';
import { Arg, Args, ArgsType, Ctx, Field, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import { AlertStub } from '../alert/alert.type.js';
import type { AgentsContext } from '../context.js';
import type { InvestigationStatus } from '../events.js';
import { cancelInvestigation } from './cancel-investigation.js';
import { findAlert } from './find-alert.js';
import { Investigation } from './investigation.entity.js';
import {
  AlertNotFound,
  CancelInvestigationResult,
  InvestigateInput,
  InvestigateResult,
  InvestigationConnection,
  InvestigationFinished,
  InvestigationLimitReached,
  InvestigationNotFound,
  InvestigationProgress,
  InvestigationProgressItem,
  InvestigationStatusEnum,
  InvestigationStepType,
  InvestigationType,
} from './investigation.type.js';
import { openInvestigationProgress } from './investigation-progressed.js';
import { requesterOf, startInvestigation } from './start-investigation.js';

@ArgsType()
class InvestigationsArgs extends PageArgs {
  @Field(() => ID, { nullable: true, description: 'Only investigations of this alert.' })
  alertId?: string | null;

  @Field(() => [InvestigationStatusEnum], { nullable: true, description: 'Only those in one of these states.' })
  status?: InvestigationStatus[] | null;
}

const MAX_QUESTION = 2_000;

@Resolver(() => InvestigationType)
export class InvestigationResolver {
  @Rights('agents:read')
  @Query(() => InvestigationType, { nullable: true, description: 'One investigation by its id.' })
  async investigation(
    @Arg('id', () => ID, { description: 'Id of the investigation.' }) id: string,
    @Ctx() { loaders }: AgentsContext,
  ): Promise<Investigation | null> {
    return loaders.investigation.load(uuidOf('id', id));
  }

  @Rights('agents:read')
  @Query(() => InvestigationConnection, { description: 'Investigations, newest first.' })
  async investigations(
    @Args(() => InvestigationsArgs) args: InvestigationsArgs,
    @Ctx() { services, principal }: AgentsContext,
  ): Promise<Connection<Investigation>> {
    const where = {
      ...(args.alertId == null ? {} : { alertId: uuidOf('alertId', args.alertId) }),
      ...(args.status == null ? {} : { status: { $in: args.status } }),
    };
    const list = { name: 'investigations', entity: Investigation, where };
    return entityPage(services.runtime.database, principal.tenant, list, args);
  }

  @Rights('agents:run')
  @Mutation(() => InvestigateResult, {
    description:
      'Starts an investigation and returns at once; an unfinished one of the same alert is returned in place of a second. While the service of alerts is away it starts whether there is the alert or not.',
  })
  async investigate(
    @Arg('input', () => InvestigateInput, { description: 'What to investigate.' }) input: InvestigateInput,
    @Ctx() { services, principal }: AgentsContext,
  ): Promise<Investigation | InvestigationLimitReached | AlertNotFound> {
    if (input.alertId == null) throw badUserInput('input.alertId', 'Name the alert to investigate');
    const alertId = uuidOf('input.alertId', input.alertId);
    if (input.question) storableText('input.question', input.question, MAX_QUESTION);
    // Before the transaction, which must not stay open for as long as the graph takes.
    const { graph, tokens, runtime } = services;
    if ((await findAlert({ graph, tokens, log: runtime.log }, principal, alertId)) === 'none')
      return Object.assign(new AlertNotFound(), { id: alertId });
    const outcome = await runtime.database.inTenant(principal.tenant, (em) =>
      startInvestigation(em, services, {
        ...requesterOf(principal),
        alertId,
        question: input.question || null,
        now: new Date(),
      }),
    );
    return outcome.kind === 'limit'
      ? Object.assign(new InvestigationLimitReached(), { unfinished: outcome.unfinished })
      : outcome.investigation;
  }

  @Rights('agents:run')
  @Mutation(() => CancelInvestigationResult, {
    description: 'Ends an investigation; what its agents still tell is dropped.',
  })
  async cancelInvestigation(
    @Arg('id', () => ID, { description: 'Id of the investigation.' }) id: string,
    @Ctx() { services, principal }: AgentsContext,
  ): Promise<Investigation | InvestigationFinished | InvestigationNotFound> {
    const outcome = await cancelInvestigation(
      { ...services, database: services.runtime.database },
      principal,
      uuidOf('id', id),
    );
    if (outcome.kind === 'missing') return Object.assign(new InvestigationNotFound(), { id });
    if (outcome.kind === 'finished')
      return Object.assign(new InvestigationFinished(), { id, status: outcome.investigation.status });
    return outcome.investigation;
  }

  @Rights('agents:read')
  @LiveField(
    InvestigationProgressItem,
    "An investigation's events, each once and in order: from its first one, or behind `after`.",
    async (
      { services, principal, loaders }: AgentsContext,
      { id: text, after }: { id: string; after?: string | null },
    ) => {
      const id = uuidOf('id', text);
      // Another tenant's is not there, either. Without this its subscriber would hear nothing for ever.
      if ((await loaders.investigation.load(id)) === null)
        throw new AuroraError({ code: 'NOT_FOUND', field: 'id', publicMessage: 'There is no such investigation' });
      return openInvestigationProgress(services.runtime.live, principal.tenant, id, after ?? undefined);
    },
  )
  investigationProgressed(
    @Root() item: typeof InvestigationProgressItem,
    @Arg('id', () => ID, { description: 'Id of the investigation.' }) _id: string,
    @ResumeAfter() _after?: string | null,
  ): typeof InvestigationProgressItem {
    return item;
  }

  @FieldResolver(() => ActorType, {
    description: 'Who asked for it; alerts that are severe enough are investigated by a service.',
  })
  requestedBy(@Root() investigation: Investigation): ActorType {
    return { kind: investigation.requesterKind, id: investigation.requesterId };
  }

  @FieldResolver(() => [InvestigationStepType], { description: 'What the agents did, in order; the first 500 steps.' })
  steps(@Root() investigation: Investigation, @Ctx() { loaders }: AgentsContext): Promise<InvestigationStepType[]> {
    return loaders.stepsOfInvestigation.load(investigation.id);
  }

  @FieldResolver(() => AlertStub, {
    nullable: true,
    description: 'The alert; null when you may not see it, or its service is away.',
  })
  alert(@Root() investigation: Investigation): AlertStub {
    return { id: investigation.alertId };
  }
}

@Resolver(() => InvestigationProgress)
export class InvestigationProgressResolver {
  @FieldResolver(() => InvestigationType, {
    nullable: true,
    description: 'The investigation as it is at emission, which may be newer than `version`.',
  })
  investigation(
    @Root() progress: InvestigationProgress,
    @Ctx() { loaders }: AgentsContext,
  ): Promise<Investigation | null> {
    return loaders.investigation.load(progress.investigationId);
  }
}
