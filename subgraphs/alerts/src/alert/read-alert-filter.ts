import { storableText, uuidOf } from '@aurorasoc/kit/graphql';
import type { AlertFilterInput } from './alert.type.js';
import type { AlertFilter } from './list-alerts.js';

export const MAX_ASSIGNEE = 200;

/** The filter that a client gave; a condition that is null counts as left out. @throws AuroraError `BAD_USER_INPUT` with the field. */
export function readAlertFilter(input: AlertFilterInput | null | undefined): AlertFilter {
  const ruleId = input?.ruleId ?? undefined;
  const assignee = input?.assignee ?? undefined;
  return {
    status: input?.status ?? undefined,
    severity: input?.severity ?? undefined,
    ruleId: ruleId === undefined ? undefined : uuidOf('filter.ruleId', ruleId),
    assignee: assignee === undefined ? undefined : storableText('filter.assignee', assignee, MAX_ASSIGNEE),
  };
}
