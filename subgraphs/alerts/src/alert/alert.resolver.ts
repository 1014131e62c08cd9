import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
import {
  type Connection,
  decodeKeyset,
  encodeKeyset,
  type PagedList,
  pageSize,
  Rights,
  storableText,
  toConnection,
} from '@aurorasoc/kit/graphql';
import { isUuid } from '@aurorasoc/kit/ids';
import { LiveField, ResumeAfter } from '@aurorasoc/kit/live';
import { Arg, Args, ArgsType, Ctx, Field, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { AlertsContext } from '../context.js';
import { toEventType } from '../event/event.resolver.js';
import { EventConnection, type EventType } from '../event/event.type.js';
import { DetectionRuleType, toDetectionRuleType } from '../rule/detection-rule.type.js';
import type { Alert } from './alert.entity.js';
import {
  AlertAlreadyClosed,
  AlertChange,
  AlertChangeItem,
  AlertConnection,
  AlertFilterInput,
  AlertNotFound,
  AlertOrderEnum,
  AlertType,
  StaleVersion,
  UpdateAlertResult,
  UpdateAlertsInput,
} from './alert.type.js';
import { openAlertChanges } from './alert-changed.js';
import { ALERT_LISTS, countAlerts, listAlerts, sortKeysOf } from './list-alerts.js';
import { MAX_ASSIGNEE, readAlertFilter } from './read-alert-filter.js';
import { type UpdateOutcome, updateAlerts } from './update-alerts.js';

@ArgsType()
class AlertsArgs {
  @Field(() => AlertFilterInput, { nullable: true, description: 'Only alerts that fit.' })
  filter?: AlertFilterInput | null;

  @Field(() => AlertOrderEnum, { defaultValue: AlertOrderEnum.NEWEST, description: 'Order of the list.' })
  orderBy!: keyof typeof AlertOrderEnum;

  @Field(() => Int, { nullable: true, defaultValue: 50, description: 'Page size, 1 to 200.' })
  first?: number | null;

  @Field(() => String, { nullable: true, description: 'The `endCursor` of the page before.' })
  after?: string | null;
}

const MAX_UPDATED = 500;

@Resolver(() => AlertType)
export class AlertResolver {
  @Rights('alerts:read')
  @Query(() => AlertType, { nullable: true, description: 'One alert by its id.' })
  async alert(
    @Arg('id', () => ID, { description: 'Id of the alert.' }) id: string,
    @Ctx() { loaders }: AlertsContext,
  ): Promise<Alert | null> {
    if (!isUuid(id)) throw badUserInput('id', 'An alert id is a UUID in lower case');
    return loaders.alert.load(id);
  }

  @Rights('alerts:read')
  @Query(() => AlertConnection, { description: 'The queue of alerts.' })
  async alerts(
    @Args(() => AlertsArgs) args: AlertsArgs,
    @Ctx() { services, principal }: AlertsContext,
  ): Promise<Connection<Alert>> {
    const size = pageSize(args.first);
    const list = ALERT_LISTS[args.orderBy];
    const after = decodeKeyset(list, args.after);
    const page = { filter: readAlertFilter(args.filter), order: args.orderBy, after, limit: size + 1 };
    const alerts = await services.runtime.database.inTenant(principal.tenant, (em) => listAlerts(em, page));
    return toConnection(
      list,
      alerts,
      size,
      after !== undefined,
      (alert) => alert,
      (alert) => sortKeysOf(args.orderBy, alert),
    );
  }

  @Rights('alerts:read')
  @Query(() => Int, { description: 'How many alerts fit the filter.' })
  async alertCount(
    @Ctx() { services, principal }: AlertsContext,
    @Arg('filter', () => AlertFilterInput, { nullable: true, description: 'Only alerts that fit.' })
    filter?: AlertFilterInput | null,
  ): Promise<number> {
    return services.runtime.database.inTenant(principal.tenant, (em) => countAlerts(em, readAlertFilter(filter)));
  }

  @Rights('alerts:write')
  @Mutation(() => [UpdateAlertResult], { description: 'Changes alerts by hand; one result per id, in their order.' })
  async updateAlerts(
    @Arg('ids', () => [ID], { description: 'Which alerts; at most 500.' }) ids: string[],
    @Arg('input', () => UpdateAlertsInput, { description: 'What to change.' }) input: UpdateAlertsInput,
    @Ctx() { services, principal }: AlertsContext,
  ): Promise<(Alert | StaleVersion | AlertAlreadyClosed | AlertNotFound)[]> {
    const bad = ids.findIndex((id) => !isUuid(id));
    if (bad >= 0) throw badUserInput(`ids[${bad}]`, 'An alert id is a UUID in lower case');
    if (ids.length === 0 || ids.length > MAX_UPDATED) throw badUserInput('ids', `Give 1 to ${MAX_UPDATED} ids`);
    const expectedVersion = input.expectedVersion ?? undefined;
    if (expectedVersion !== undefined && ids.length > 1)
      throw badUserInput('input.expectedVersion', 'A version can be expected of a single alert only');
    if (input.assignee != null) checkAssignee(input.assignee);
    for (const field of ['status', 'severity'] as const)
      if (input[field] === null)
        throw badUserInput(`input.${field}`, 'This cannot be taken away; leave it out to keep it');
    const outcomes = await updateAlerts(
      services,
      principal,
      ids.map((id) => ({ id, expectedVersion })),
      input,
    );
    return outcomes.map(toResult);
  }

  @Rights('alerts:read')
  @LiveField(
    AlertChangeItem,
    'Every change of the alerts that fit, each once and in order; with `after`, from there on.',
    (context: AlertsContext, args: { filter?: AlertFilterInput | null; after?: string | null }) =>
      openAlertChanges(context, readAlertFilter(args.filter), args.after ?? undefined),
  )
  alertChanged(
    @Root() item: typeof AlertChangeItem,
    @Arg('filter', () => AlertFilterInput, { nullable: true, description: 'Only changes after which the alert fits.' })
    _filter?: AlertFilterInput | null,
    @ResumeAfter() _after?: string | null,
  ): typeof AlertChangeItem {
    return item;
  }

  @FieldResolver(() => DetectionRuleType, {
    nullable: true,
    description: 'The rule that matched; null when it is gone.',
  })
  async rule(@Root() alert: Alert, @Ctx() { loaders }: AlertsContext): Promise<DetectionRuleType | null> {
    const rule = await loaders.rule.load(alert.ruleId);
    return rule && toDetectionRuleType(rule);
  }

  @Rights('events:read')
  @FieldResolver(() => EventConnection, { description: 'Events that matched, newest first; at most 1,000 are kept.' })
  async events(
    @Root() alert: Alert,
    @Ctx() { loaders }: AlertsContext,
    @Arg('first', () => Int, { nullable: true, defaultValue: 50, description: 'Page size, 1 to 200.' }) first?:
      | number
      | null,
    @Arg('after', () => String, { nullable: true, description: 'The `endCursor` of the page before.' }) after?:
      | string
      | null,
  ): Promise<Connection<EventType>> {
    const size = pageSize(first);
    // Each alert's list is one of its own: behind a place in another's, events of this one would be passed over.
    const list: PagedList = { name: `events of alert ${alert.id}`, sortedBy: ['id'] };
    const last = decodeKeyset(list, after)?.[0];
    const ids = (await loaders.eventIdsOfAlert.load(alert.id))
      .map((row) => row.eventId)
      .filter((id) => last === undefined || id < last);
    const events = await loaders.event.loadMany(ids.slice(0, size));
    const found = events.flatMap((event) => (event === null || event instanceof Error ? [] : [toEventType(event)]));
    const connection = toConnection(
      list,
      found,
      size,
      last !== undefined,
      (event) => event,
      (event) => [event.id],
    );
    connection.pageInfo.hasNextPage = ids.length > size;
    const end = ids[Math.min(size, ids.length) - 1];
    connection.pageInfo.endCursor = end === undefined ? undefined : encodeKeyset(list, [end]);
    return connection;
  }
}

@Resolver(() => AlertChange)
export class AlertChangeResolver {
  @FieldResolver(() => AlertType, {
    nullable: true,
    description: 'The alert as it is at emission, which may be newer than `version`.',
  })
  alert(@Root() change: AlertChange, @Ctx() { loaders }: AlertsContext): Promise<Alert | null> {
    return loaders.alert.load(change.alertId);
  }
}

/** @throws AuroraError `BAD_USER_INPUT` */
function checkAssignee(assignee: string): void {
  storableText('input.assignee', assignee, MAX_ASSIGNEE);
  if (assignee.trim() === '')
    throw badUserInput('input.assignee', 'An assignee has a name; give null to take the assignee away');
}

function toResult(outcome: UpdateOutcome): Alert | StaleVersion | AlertAlreadyClosed | AlertNotFound {
  switch (outcome.kind) {
    case 'updated':
      return outcome.alert;
    case 'stale':
      return Object.assign(new StaleVersion(), { id: outcome.id, currentVersion: outcome.currentVersion });
    case 'closed':
      return Object.assign(new AlertAlreadyClosed(), { id: outcome.id });
    case 'missing':
      return Object.assign(new AlertNotFound(), { id: outcome.id });
    default:
      throw new AuroraError({
        code: 'INTERNAL_SERVER_ERROR',
        publicMessage: 'Internal server error',
        context: { outcome },
      });
  }
}
