/**
 * Static API keys: `aurora_<key id>_<secret>`, kept as SHA-256 of the secret in a file that the processes re-read when it
 * changes. A secret has 256 random bits, so a plain hash cannot be guessed back.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { AuroraError, badUserInput, describeError } from '../errors.js';
import type { Health } from '../health.js';
import { tenantIdSchema } from '../ids.js';
import type { Logger } from '../log.js';
import { type Principal, ROLE_SCOPES, ROLES } from './principal.js';
import type { VerifiedIdentity } from './tokens.js';

const apiKeySchema = z.object({
  id: z.string().regex(/^[a-z0-9]{12}$/),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  tenant: tenantIdSchema,
  subject: z.string().min(1),
  kind: z.enum(['user', 'service']),
  roles: z.array(z.enum(ROLES)).min(1),
  createdAt: z.iso.datetime(),
  expiresAt: z.iso.datetime().optional(),
});
export type ApiKey = z.output<typeof apiKeySchema>;
const fileSchema = z.object({ keys: z.array(apiKeySchema) });

/** Not blank, printable, and no longer than internal tokens carry it. */
const SUBJECT = /^(?=.*\S)[^\p{Cc}\p{Cs}]{1,200}$/u;

/** Whether a key can be made for somebody of this name. */
export function isSubject(text: string): boolean {
  return SUBJECT.test(text);
}
/** Files may hold subjects that were taken before the rule; each of them still counts. */
const newKeySchema = apiKeySchema.extend({
  subject: z.string().regex(SUBJECT, { error: 'must be 1 to 200 printable characters' }),
});

const KEY = /^aurora_([a-z0-9]{12})_([\w-]{43})$/;
const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();
/** A key without an end still gets a session end, so that open sockets are checked again. */
const SESSION_SECONDS = 12 * 3600;
const RECHECK_MS = 1_000;
/** Bounds what somebody who tries keys can cost. */
const RECHECK_UNKNOWN_MS = 50;

export function isApiKey(token: string): boolean {
  return token.startsWith('aurora_');
}

/**
 * Makes a key; its text is returned once and never stored.
 * @throws AuroraError `BAD_USER_INPUT` naming the member that no key can have.
 */
export function createApiKey(input: Omit<ApiKey, 'id' | 'hash' | 'createdAt'>): { key: ApiKey; text: string } {
  const id = randomBytes(6).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  const key: ApiKey = { ...input, id, hash: hashOf(secret).toString('hex'), createdAt: new Date().toISOString() };
  refuseWrong(newKeySchema.safeParse(key));
  return { key, text: `aurora_${id}_${secret}` };
}

/** @throws AuroraError `CONFIGURATION_INVALID` naming the file and the first problem. */
export function readApiKeys(path: string): ApiKey[] {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).keys;
  } catch (error) {
    throw new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `The API key file ${path} cannot be read (${error instanceof z.ZodError ? z.prettifyError(error) : describeError(error)}); put a good copy back`,
      cause: error,
    });
  }
}

/**
 * Replaces the file in one step, readable by its owner only.
 * @throws AuroraError `BAD_USER_INPUT` for keys that could not be read again; the file stays as it was.
 */
export function writeApiKeys(path: string, keys: readonly ApiKey[]): void {
  refuseWrong(fileSchema.safeParse({ keys }));
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
}

function refuseWrong({ error }: z.ZodSafeParseResult<unknown>): void {
  const [issue] = error?.issues ?? [];
  if (issue !== undefined) throw badUserInput(issue.path.join('.'), `No API key can be so: ${issue.message}`);
}

const COMPONENT = 'api keys';

/**
 * Verifies key texts against the file; a changed file counts within a second. One that cannot be read any more costs nobody
 * the access: the keys that were read last stay in force, and the component `api keys` is degraded until it can.
 */
export class ApiKeyVerifier {
  #keys: ReadonlyMap<string, ApiKey>;
  #version: string;
  #checkedAt = Date.now();
  #isBroken = false;

  /** @throws AuroraError `CONFIGURATION_INVALID` when the file cannot be read at the start. */
  constructor(
    private readonly path: string,
    private readonly health: Health,
    private readonly log: Logger,
  ) {
    this.#version = versionOf(path);
    this.#keys = byId(readApiKeys(path));
    health.set(COMPONENT, 'up');
  }

  /** @throws AuroraError `UNAUTHENTICATED` when the key is unknown, wrong or expired. */
  verify(text: string): VerifiedIdentity {
    const [, id = '', secret = ''] = KEY.exec(text) ?? [];
    // A key that was made a moment ago must work at once; a removed one may live on until the next look.
    this.#refresh(this.#keys.has(id) ? RECHECK_MS : RECHECK_UNKNOWN_MS);
    const key = this.#keys.get(id);
    // The hash is computed for unknown ids, too: both answers take the same time.
    const isRight = timingSafeEqual(hashOf(secret), key ? Buffer.from(key.hash, 'hex') : hashOf('no such key'));
    if (!key || !isRight) throw new AuroraError({ code: 'UNAUTHENTICATED', publicMessage: 'The API key is not valid' });
    const now = Date.now();
    const end = key.expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(key.expiresAt);
    if (end <= now) throw new AuroraError({ code: 'UNAUTHENTICATED', publicMessage: 'The API key is expired' });
    return { principal: principalOf(key), sessionExpiresAt: sessionEnd(now, end) };
  }

  /** False once a key is removed or expired: the check behind closing a revoked socket. */
  isCurrent(text: string): boolean {
    try {
      this.verify(text);
      return true;
    } catch {
      return false;
    }
  }

  #refresh(recheckMs: number): void {
    const now = Date.now();
    if (now - this.#checkedAt < recheckMs) return;
    this.#checkedAt = now;
    try {
      const version = versionOf(this.path);
      if (version === this.#version && !this.#isBroken) return;
      this.#keys = byId(readApiKeys(this.path));
      // Only now: a file that could not be read is tried again at each look, since a mended mode leaves the version as it is.
      this.#version = version;
      this.#isBroken = false;
      this.health.set(COMPONENT, 'up');
    } catch (error) {
      if (this.#isBroken) return;
      this.#isBroken = true;
      // It names a path: for the log, never for whoever showed a key.
      this.log.error(
        { error: describeError(error) },
        'The API key file cannot be read; the keys read last stay in force',
      );
      this.health.set(COMPONENT, 'degraded', 'the key file cannot be read; the keys read last stay in force');
    }
  }
}

/** Differs for two states of the file, also for two within one tick of the file system's clock; '' where there is none. */
function versionOf(path: string): string {
  const file = statSync(path, { throwIfNoEntry: false });
  return file === undefined ? '' : `${file.ino} ${file.size} ${file.mtimeMs}`;
}

function byId(keys: readonly ApiKey[]): ReadonlyMap<string, ApiKey> {
  return new Map(keys.map((key) => [key.id, key]));
}

function principalOf(key: ApiKey): Principal {
  const scopes = [...new Set(key.roles.flatMap((role) => ROLE_SCOPES[role]))];
  return { tenant: key.tenant, subject: key.subject, kind: key.kind, scopes };
}

/** Session ends fall on whole hours, so that tokens of one identity are equal and can be cached. */
function sessionEnd(now: number, end: number): number {
  const hour = 3_600_000;
  return Math.floor(Math.min(end, Math.ceil(now / hour) * hour + SESSION_SECONDS * 1000) / 1000);
}
