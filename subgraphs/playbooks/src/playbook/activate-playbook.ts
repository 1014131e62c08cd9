/** Puts one saved version of a playbook in force, in place of the one that was. */
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import { LockMode } from '@mikro-orm/core';
import type { PlaybooksServices } from '../context.js';
import { Playbook } from './playbook.entity.js';
import { findVersion, type VersionKey } from './playbook-versions.js';
import { recordChange } from './record-change.js';

export type ActivateOutcome =
  | { kind: 'activated'; playbook: Playbook }
  | { kind: 'missing' }
  | { kind: 'no version'; savedVersion: number }
  | { kind: 'revoked' };

/** The active version again changes nothing. */
export async function activatePlaybook(
  services: PlaybooksServices,
  principal: Principal,
  key: VersionKey,
): Promise<ActivateOutcome> {
  return services.runtime.database.inTenant(principal.tenant, async (em): Promise<ActivateOutcome> => {
    const playbook = await em.findOne(Playbook, { id: key.playbookId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
    if (!playbook) return { kind: 'missing' };
    const version = await findVersion(em, key);
    if (!version) return { kind: 'no version', savedVersion: playbook.savedVersion };
    const saved = await findVersion(em, { playbookId: playbook.id, version: playbook.savedVersion });
    if (!saved) throw new Error(`Playbook ${playbook.id} has no document of version ${playbook.savedVersion}`);
    if (version.isRevoked || saved.isRevoked) return { kind: 'revoked' };
    if (playbook.activeVersion === key.version) return { kind: 'activated', playbook };
    playbook.activeVersion = key.version;
    playbook.version += 1;
    playbook.updatedAt = new Date();
    await recordChange(em, services, 'playbook.activated', playbook, saved.sha256, actorOf(principal));
    return { kind: 'activated', playbook };
  });
}
