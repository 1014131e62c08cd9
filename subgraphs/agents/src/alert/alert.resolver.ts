import { badUserInput } from '@aurorasoc/kit/errors';
import { Arg, Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import type { AgentsContext } from '../context.js';
import type { Investigation } from '../investigation/investigation.entity.js';
import { InvestigationType } from '../investigation/investigation.type.js';
import { MAX_PER_ALERT } from '../investigation/list-investigations.js';
import { AlertStub } from './alert.type.js';

@Resolver(() => AlertStub)
export class AlertResolver {
  @FieldResolver(() => [InvestigationType], {
    nullable: true,
    description: 'Investigations of the alert, newest first; null when their service is away.',
  })
  async investigations(
    @Root() alert: AlertStub,
    @Ctx() { loaders }: AgentsContext,
    @Arg('first', () => Int, {
      nullable: true,
      defaultValue: 10,
      description: `How many at most, 1 to ${MAX_PER_ALERT}.`,
    })
    first?: number | null,
  ): Promise<Investigation[]> {
    const size = first ?? 10;
    if (size < 1 || size > MAX_PER_ALERT)
      throw badUserInput('first', `An alert shows 1 to ${MAX_PER_ALERT} investigations`);
    return (await loaders.investigationsOfAlert.load(alert.id)).slice(0, size);
  }
}
