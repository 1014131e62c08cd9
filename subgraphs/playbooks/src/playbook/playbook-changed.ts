/** The live field `playbookChanged`. */
import { type DomainEvent, readData } from '@aurorasoc/kit/events';
import { changeFacts, type LiveItems, openLive } from '@aurorasoc/kit/live';
import type { PlaybooksContext } from '../context.js';
import { playbooksEvents } from '../events.js';
import { PlaybookChange } from './playbook.type.js';

export function openPlaybookChanges(
  { services, principal }: PlaybooksContext,
  after: string | undefined,
): LiveItems<PlaybookChange> {
  return openLive(services.runtime.live, { tenant: principal.tenant, after, toItem: toPlaybookChange });
}

function toPlaybookChange(event: DomainEvent, cursor: string): PlaybookChange | undefined {
  if (event.type !== 'playbook.saved' && event.type !== 'playbook.activated') return undefined;
  const { savedVersion, activeVersion } = readData(event, playbooksEvents[event.type]);
  return Object.assign(new PlaybookChange(), {
    ...changeFacts(event, cursor),
    kind: event.type === 'playbook.saved' ? ('SAVED' as const) : ('ACTIVATED' as const),
    playbookId: event.subject,
    savedVersion,
    activeVersion,
  });
}
