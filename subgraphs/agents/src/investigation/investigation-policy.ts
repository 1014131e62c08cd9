/** Starts investigations of alerts that are severe enough, without anybody asking; where there is no room, the alert waits. */
import type { Database } from '@aurorasoc/kit/database';
import { PoisonMessageError } from '@aurorasoc/kit/errors';
import { readData } from '@aurorasoc/kit/events';
import { isUuid } from '@aurorasoc/kit/ids';
import { handleOnce, type StreamEntry } from '@aurorasoc/kit/streams';
import { inSpan, SpanKind } from '@aurorasoc/kit/telemetry';
import { z } from 'zod';
import { SEVERITIES, type Severity } from '../a2a/contract.js';
import { POLICY_GROUP, policyRequest } from './policy-request.js';
import { type StartServices, startInvestigation } from './start-investigation.js';
import { joinLine } from './waiting-line.js';

export const ALERTS_STREAM = 'aurora:alerts:events';

export const ALERT_OPENED = 'alert.opened';

/** What the policy reads of it; the contract with the producer. */
export const alertOpenedSchema = z.object({ severity: z.enum(SEVERITIES) });

/**
 * The stream handler of the policy; investigation, or place in the waiting line, and inbox row commit together.
 * @param from - `OFF` passes all alerts over, for good: those of now are not investigated when it is set to a severity later.
 */
export function investigateOpenedAlerts(
  database: Database,
  services: StartServices,
  from: Severity | 'OFF',
): (entries: readonly StreamEntry[]) => Promise<void> {
  return handleOnce(database, POLICY_GROUP, async (em, fresh) => {
    if (from === 'OFF') return;
    for (const entry of fresh) {
      const alertId = severeAlertOf(entry, from);
      if (alertId === undefined) continue;
      const traceparent = entry.fields.get('traceparent') || null;
      const alert = { alertId, traceparent };
      const parent = traceparent ?? undefined;
      const outcome = await inSpan('apply investigation policy', { kind: SpanKind.CONSUMER, parent }, () =>
        startInvestigation(em, services, policyRequest(entry.tenant, alert)),
      );
      if (outcome.kind === 'limit') await joinLine(em, entry.tenant, alert);
    }
  });
}

/** @returns undefined for events that the policy passes over. @throws PoisonMessageError when the event does not fit. */
function severeAlertOf(entry: StreamEntry, from: Severity): string | undefined {
  if (entry.fields.get('type') !== ALERT_OPENED) return undefined;
  const event = { id: entry.messageId, type: ALERT_OPENED, body: entry.fields.get('body') ?? '' };
  const { severity } = readData(event, alertOpenedSchema);
  const alertId = entry.fields.get('subject') ?? '';
  if (!isUuid(alertId)) throw new PoisonMessageError('The event names no alert', { field: 'subject' });
  return SEVERITIES.indexOf(severity) < SEVERITIES.indexOf(from) ? undefined : alertId;
}
