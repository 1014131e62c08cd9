import { Rights, storableText, uuidOf } from '@aurorasoc/kit/graphql';
import { Arg, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import type { AgentsContext } from '../context.js';
import { InvestigationFinished, InvestigationNotFound } from '../investigation/investigation.type.js';
import { delegateTask } from './delegate-task.js';
import { AgentTask } from './task.entity.js';
import { AgentTaskType, DelegateTaskInput, DelegateTaskResult } from './task.type.js';

const MAX_INSTRUCTION = 2_000;

@Resolver(() => AgentTaskType)
export class TaskResolver {
  @Rights('agents:read')
  @Query(() => AgentTaskType, { nullable: true, description: 'One task by its id.' })
  async task(
    @Arg('id', () => ID, { description: 'Id of the task.' }) id: string,
    @Ctx() { services, principal }: AgentsContext,
  ): Promise<AgentTask | null> {
    const taskId = uuidOf('id', id);
    // An agent asks for what it delegated; the tasks of other investigations are not its own.
    const own = principal.investigation === undefined ? {} : { investigationId: principal.investigation };
    return services.runtime.database.inTenant(principal.tenant, (em) => em.findOne(AgentTask, { id: taskId, ...own }));
  }

  @Rights('agents:delegate')
  @Mutation(() => DelegateTaskResult, {
    description: 'Puts a specialist to work; for the orchestrator of the investigation alone.',
  })
  async delegateTask(
    @Arg('input', () => DelegateTaskInput, { description: 'The work.' }) input: DelegateTaskInput,
    @Ctx() { services, principal }: AgentsContext,
  ): Promise<AgentTask | InvestigationFinished | InvestigationNotFound> {
    const id = uuidOf('input.investigationId', input.investigationId);
    if (input.instruction) storableText('input.instruction', input.instruction, MAX_INSTRUCTION);
    const delegation = {
      investigationId: id,
      key: input.key,
      agent: input.agent,
      instruction: input.instruction ?? null,
    };
    const outcome = await delegateTask(services.runtime.database, services.recorder, principal, delegation);
    if (outcome.kind === 'missing') return Object.assign(new InvestigationNotFound(), { id });
    if (outcome.kind === 'finished')
      return Object.assign(new InvestigationFinished(), { id, status: outcome.investigation.status });
    return outcome.task;
  }
}
