/** Enrolment tokens: what a person gives to a new device, once. At rest there is only their hash. */
import { createHash, randomBytes } from 'node:crypto';
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import type { Database, EntityManager } from '@aurorasoc/kit/database';
import { newId } from '@aurorasoc/kit/ids';

export interface IssuedToken {
  readonly id: string;
  /** Shown this once. */
  readonly token: string;
  readonly expiresAt: Date;
}

const PREFIX = 'aurora_enrol_';
/** 256 bits cannot be guessed, so a hash without salt and stretching keeps them. */
const SECRET_BYTES = 32;
const FORM = /^aurora_enrol_[\w-]{43}$/;

/** @returns undefined for text that no token looks like. */
export function hashToken(token: string): string | undefined {
  return FORM.test(token) ? createHash('sha256').update(token).digest('hex') : undefined;
}

export async function issueToken(
  database: Database,
  principal: Principal,
  validForMinutes: number,
  now: Date,
): Promise<IssuedToken> {
  const id = newId();
  const token = PREFIX + randomBytes(SECRET_BYTES).toString('base64url');
  const expiresAt = new Date(now.getTime() + validForMinutes * 60_000);
  const creator = actorOf(principal);
  await database.inTenant(principal.tenant, (em) =>
    em.execute(
      `insert into devices.enrolment_token (id, tenant, hash, created_by_kind, created_by_id, created_at, expires_at)
       values (?, ?, decode(?, 'hex'), ?, ?, ?, ?)`,
      [id, principal.tenant, hashToken(token), creator.kind, creator.id, now, expiresAt],
    ),
  );
  return { id, token, expiresAt };
}

export interface FoundToken {
  readonly id: string;
  readonly isExpired: boolean;
  /** The device that it enrolled; null while it is unused. */
  readonly deviceId: string | null;
}

/** The tenant's token, locked until the transaction ends, so that of two devices at once one is enrolled. */
export async function lockToken(em: EntityManager, token: string, now: Date): Promise<FoundToken | undefined> {
  const hash = hashToken(token);
  if (hash === undefined) return undefined;
  const [row] = (await em.execute(
    `select id, device_id, expires_at <= ? as is_expired from devices.enrolment_token where hash = decode(?, 'hex') for update`,
    [now, hash],
  )) as { id: string; device_id: string | null; is_expired: boolean }[];
  return row && { id: row.id, isExpired: row.is_expired, deviceId: row.device_id };
}
