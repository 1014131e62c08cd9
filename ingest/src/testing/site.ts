/** What specs need around ingest: folders, API keys, requests, and waiting for what comes about by itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApiKey, writeApiKeys } from '@aurorasoc/kit/auth';
import { newId } from '@aurorasoc/kit/ids';
import { createLog } from '@aurorasoc/kit/log';
import { createIngest, type Ingest, type IngestOptions } from '../create-ingest.js';

const MIB = 1024 * 1024;
const WAIT_MS = 15_000;

export interface TestFolder {
  readonly path: string;
  readonly apiKeysFile: string;
  readonly spoolFolder: string;
  readonly tenant: string;
  readonly otherTenant: string;
  /** May write events for `tenant`. */
  readonly token: string;
  /** May write events for `otherTenant`. */
  readonly otherToken: string;
  /** May only read. */
  readonly viewerToken: string;
  remove(): void;
}

export function makeFolder(): TestFolder {
  const path = mkdtempSync(join(tmpdir(), 'aurora-ingest-'));
  const [tenant, otherTenant] = [newId(), newId()];
  const writer = createApiKey({ tenant, subject: 'shipper', kind: 'service', roles: ['integrator'] });
  const otherWriter = createApiKey({ tenant: otherTenant, subject: 'shipper', kind: 'service', roles: ['integrator'] });
  const viewer = createApiKey({ tenant, subject: 'reader', kind: 'user', roles: ['viewer'] });
  const apiKeysFile = join(path, 'api-keys.json');
  writeApiKeys(apiKeysFile, [writer.key, otherWriter.key, viewer.key]);
  return {
    path,
    apiKeysFile,
    spoolFolder: join(path, 'spool'),
    tenant,
    otherTenant,
    token: writer.text,
    otherToken: otherWriter.text,
    viewerToken: viewer.text,
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

export const silentLog = createLog('ingest', 'silent');

export function startIngest(
  folder: TestFolder,
  redisUrl: string,
  overrides: Partial<IngestOptions> = {},
): Promise<Ingest> {
  return createIngest({
    host: '127.0.0.1',
    port: 0,
    redisUrl,
    apiKeysFile: folder.apiKeysFile,
    spoolFolder: folder.spoolFolder,
    spoolMaxBytes: 256 * MIB,
    spoolMaxBatches: 100_000,
    maxBodyBytes: 8 * MIB,
    maxDecodedBytes: 64 * MIB,
    requestMemoryBytes: 128 * MIB,
    requestTimeoutMs: 30_000,
    partitions: 1,
    telemetryPartitions: 1,
    resendMs: 30_000,
    log: silentLog,
    ...overrides,
  });
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly accepted: number;
  readonly batches: readonly string[];
  readonly error: { readonly code: string; readonly message: string; readonly field?: string };
}

/** Posts events; a header given as `undefined` is not sent. */
export async function send(
  port: number,
  token: string | undefined,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-ndjson',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body,
  });
  const answer = (await response.json()) as Omit<Answer, 'status' | 'headers'>;
  return { ...answer, status: response.status, headers: response.headers };
}

/** Waits until `read` gives something other than undefined or false. */
export async function until<T>(read: () => T | Promise<T>, what: string): Promise<Exclude<T, undefined | false>> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
    if (Date.now() > deadline) throw new Error(`waited ${WAIT_MS} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The value of a metric, all its labels summed up; 0 when it was never set. */
export async function metric(
  ingest: Ingest,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const values = (await ingest.health.metrics.getMetricsAsJSON()).find((found) => found.name === name)?.values ?? [];
  return values
    .filter((value) =>
      Object.entries(labels).every(
        ([label, wanted]) => String((value.labels as Record<string, unknown>)[label]) === wanted,
      ),
    )
    .reduce((sum, value) => sum + value.value, 0);
}
