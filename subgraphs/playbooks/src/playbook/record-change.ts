/** Writes what happened to a playbook as a domain event. */
import type { EntityManager } from '@aurorasoc/kit/database';
import { envelopeOf } from '@aurorasoc/kit/domain';
import type { Actor } from '@aurorasoc/kit/events';
import type { PlaybooksServices } from '../context.js';
import type { PlaybooksEvents } from '../events.js';
import type { Playbook } from './playbook.entity.js';

/** @param sha256 - of the document that was saved last. */
export async function recordChange(
  em: EntityManager,
  { recorder }: Pick<PlaybooksServices, 'recorder'>,
  type: keyof PlaybooksEvents,
  playbook: Playbook,
  sha256: string,
  actor: Actor,
): Promise<void> {
  const { documentId, name, savedVersion, activeVersion } = playbook;
  await recorder.record(em, {
    ...envelopeOf(playbook, actor, playbook.updatedAt),
    type,
    data: { documentId, name, savedVersion, sha256, activeVersion },
  });
}
