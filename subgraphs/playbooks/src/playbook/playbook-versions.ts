/** The documents of playbooks: written once, read by lists without their bytes. */
import type { Problem } from '@aurorasoc/cacao';
import { arrayLiteral, type EntityManager } from '@aurorasoc/kit/database';
import { badUserInput } from '@aurorasoc/kit/errors';
import type { Actor } from '@aurorasoc/kit/events';

export interface VersionKey {
  readonly playbookId: string;
  readonly version: number;
}

export interface PlaybookVersion extends VersionKey {
  /** Of the canonical bytes, hexadecimal. */
  readonly sha256: string;
  readonly steps: number;
  readonly isRevoked: boolean;
  /** What was found when it was saved. */
  readonly warnings: readonly Problem[];
  readonly savedAt: Date;
  readonly savedBy: Actor;
}

/** Versions that are listed of one playbook. */
export const MAX_VERSIONS = 200;
/** Each may have a mebibyte. */
export const MAX_DOCUMENTS = 32;

const COLUMNS = `playbook_id as "playbookId", version, sha256, steps, is_revoked as "isRevoked", warnings,
  saved_at as "savedAt", saved_by as "savedBy"`;

type Row = Omit<PlaybookVersion, 'savedAt'> & { savedAt: string | Date };

/** @param document - the canonical text. */
export async function insertVersion(
  em: EntityManager,
  tenant: string,
  version: PlaybookVersion,
  document: string,
): Promise<void> {
  await em.execute(
    `insert into playbooks.playbook_version
       (playbook_id, version, tenant, document, sha256, steps, is_revoked, warnings, saved_at, saved_by)
     values (?, ?, ?, convert_to(?, 'UTF8'), ?, ?, ?, ?::jsonb, ?, ?::jsonb)`,
    [
      version.playbookId,
      version.version,
      tenant,
      document,
      version.sha256,
      version.steps,
      version.isRevoked,
      JSON.stringify(version.warnings),
      version.savedAt,
      JSON.stringify(version.savedBy),
    ],
  );
}

export async function findVersion(em: EntityManager, key: VersionKey): Promise<PlaybookVersion | undefined> {
  const rows = (await em.execute(
    `select ${COLUMNS} from playbooks.playbook_version where playbook_id = ? and version = ?`,
    [key.playbookId, key.version],
  )) as Row[];
  return rows.map(toVersion)[0];
}

/** The latest {@link MAX_VERSIONS} of each playbook, newest first. */
export async function listVersions(em: EntityManager, playbookIds: readonly string[]): Promise<PlaybookVersion[]> {
  const rows = (await em.execute(
    `select v.* from unnest(?::uuid[]) as wanted (id) cross join lateral (
       select ${COLUMNS} from playbooks.playbook_version where playbook_id = wanted.id
       order by version desc limit ${MAX_VERSIONS}
     ) v`,
    [arrayLiteral(playbookIds)],
  )) as Row[];
  return rows.map(toVersion);
}

/**
 * The canonical text of each, in their order; null where there is none such.
 * @throws AuroraError `BAD_USER_INPUT` when one operation asks for more than {@link MAX_DOCUMENTS} at a time.
 */
export async function readDocuments(em: EntityManager, keys: readonly VersionKey[]): Promise<(string | null)[]> {
  if (keys.length > MAX_DOCUMENTS)
    throw badUserInput('document', `At most ${MAX_DOCUMENTS} documents at a time; ask for shorter pages`);
  const rows = (await em.execute(
    `select v.playbook_id as "playbookId", v.version, convert_from(v.document, 'UTF8') as document
     from unnest(?::uuid[], ?::integer[]) as wanted (id, version)
     join playbooks.playbook_version v on v.playbook_id = wanted.id and v.version = wanted.version`,
    [arrayLiteral(keys.map((key) => key.playbookId)), arrayLiteral(keys.map((key) => key.version))],
  )) as (VersionKey & { document: string })[];
  const documents = new Map(rows.map((row) => [`${row.playbookId} ${row.version}`, row.document]));
  return keys.map((key) => documents.get(`${key.playbookId} ${key.version}`) ?? null);
}

function toVersion(row: Row): PlaybookVersion {
  return { ...row, savedAt: new Date(row.savedAt) };
}
