/** The live field `deadLetterReplayed`. */
import { type DomainEvent, readData } from '@aurorasoc/kit/events';
import { changeFacts, type LiveItems, openLive } from '@aurorasoc/kit/live';
import type { FederationContext } from '../context.js';
import { federationEvents } from '../events.js';
import { DeadLetterReplayed } from './dead-letter.type.js';

export function openReplays(
  { services, principal }: FederationContext,
  after: string | undefined,
): LiveItems<DeadLetterReplayed> {
  return openLive(services.runtime.live, { tenant: principal.tenant, after, toItem: toReplayed });
}

function toReplayed(event: DomainEvent, cursor: string): DeadLetterReplayed | undefined {
  if (event.type !== 'dead_letter.replayed') return undefined;
  const { stream, group, letterId, messageId, sha256 } = readData(event, federationEvents['dead_letter.replayed']);
  return Object.assign(new DeadLetterReplayed(), {
    ...changeFacts(event, cursor),
    stream,
    group,
    letterId,
    messageId,
    sha256,
  });
}
