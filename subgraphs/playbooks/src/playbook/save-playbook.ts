/** Saves a document as the next version of the playbook with its CACAO id, or as the first version of another. */
import { createHash } from 'node:crypto';
import { type Problem, validatePlaybook } from '@aurorasoc/cacao';
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import type { EntityManager } from '@aurorasoc/kit/database';
import { badUserInput } from '@aurorasoc/kit/errors';
import { LockMode } from '@mikro-orm/core';
import canonicalize from 'canonicalize';
import type { PlaybooksServices } from '../context.js';
import { Playbook } from './playbook.entity.js';
import { findVersion, insertVersion } from './playbook-versions.js';
import { recordChange } from './record-change.js';

export interface DocumentToSave {
  /** JSON text. */
  readonly document: string;
  /** The playbook's version that the caller saw; 0: there is none yet; left out: whatever it is. */
  readonly expectedVersion?: number | undefined;
}

export type SaveOutcome =
  | { kind: 'saved'; playbook: Playbook }
  | { kind: 'invalid'; problems: readonly Problem[] }
  | { kind: 'stale'; id: string; currentVersion: number };

/**
 * The same document again makes no version, whatever is expected. One that its author has revoked takes the playbook out of force: what
 * has one CACAO id is one playbook.
 *
 * @throws AuroraError `BAD_USER_INPUT` when a version of a playbook is expected that the tenant does not have.
 */
export async function savePlaybook(
  services: PlaybooksServices,
  principal: Principal,
  { document, expectedVersion }: DocumentToSave,
): Promise<SaveOutcome> {
  const { playbook: facts, problems } = validatePlaybook(document);
  if (!facts) return { kind: 'invalid', problems };
  // RFC 8785: the same document gives the same bytes, whoever wrote it with whatever spaces.
  const canonical = canonicalize(facts.document) ?? '';
  const sha256 = createHash('sha256').update(canonical).digest('hex');
  return services.runtime.database.inTenant(principal.tenant, async (em): Promise<SaveOutcome> => {
    const now = new Date();
    const found = await lockPlaybook(em, principal.tenant, facts.id);
    // Before what is expected: whoever did not hear the answer asks again, and expects what they expected then.
    if (found && (await isSavedAlready(em, found, sha256))) return { kind: 'saved', playbook: found };
    if (expectedVersion !== undefined && expectedVersion !== (found?.version ?? 0)) {
      if (!found) throw badUserInput('input.expectedVersion', `You have no playbook ${facts.id} yet; expect 0`);
      return { kind: 'stale', id: found.id, currentVersion: found.version };
    }
    const playbook = found ?? new Playbook(principal.tenant, facts.id, now);
    if (found) playbook.version += 1;
    playbook.name = facts.name;
    playbook.description = facts.description ?? '';
    playbook.savedVersion = playbook.version;
    if (facts.isRevoked) playbook.activeVersion = null;
    playbook.updatedAt = now;
    em.persist(playbook);
    await em.flush();
    const version = {
      playbookId: playbook.id,
      version: playbook.version,
      sha256,
      steps: facts.steps,
      isRevoked: facts.isRevoked,
      warnings: problems,
      savedAt: now,
      savedBy: actorOf(principal),
    };
    await insertVersion(em, principal.tenant, version, canonical);
    await recordChange(em, services, 'playbook.saved', playbook, sha256, version.savedBy);
    return { kind: 'saved', playbook };
  });
}

async function lockPlaybook(em: EntityManager, tenant: string, documentId: string): Promise<Playbook | null> {
  // Two that save the first version at once would both make a playbook: a row that is not there cannot be locked.
  await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`playbook ${tenant} ${documentId}`]);
  return em.findOne(Playbook, { documentId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

async function isSavedAlready(em: EntityManager, { id, savedVersion }: Playbook, sha256: string): Promise<boolean> {
  return (await findVersion(em, { playbookId: id, version: savedVersion }))?.sha256 === sha256;
}
