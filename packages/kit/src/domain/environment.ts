/** Variables that every domain's process reads. */
import { hostname } from 'node:os';
import { z } from 'zod';
import {
  databaseUrl,
  existingFile,
  type parseEnvironment,
  port,
  redisUrl,
  secretFile,
  variable,
} from '../environment.js';

/** @param defaultPort - the domain's place in 4001–4006. */
export function domainVariables(defaultPort: number) {
  return {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    AURORA_SECRET_FILE: secretFile,
    GATEWAY_PUBLIC_KEY_FILE: existingFile(
      "The gateway's public key (PEM); internal tokens are checked by it",
      '.aurora/keys/gateway.pub.pem',
    ),
    HOST: variable(z.string().min(1).default('127.0.0.1'), {
      description: 'Address to listen on; keep it private',
      example: '127.0.0.1',
    }),
    PORT: port('Port of the subgraph; health and metrics are on the port 100 higher', defaultPort),
    AURORA_REPLICA: variable(
      z
        .string()
        .regex(/^[\w.-]{1,64}$/)
        .default(hostname()),
      {
        description:
          'Name of this process among the replicas of its role; stable over restarts, so that it finishes what it began. The host name, unless set',
        example: 'alerts-worker-2',
      },
    ),
    REDIS_BATCH_SIZE: variable(z.coerce.number().int().min(1).max(1_000).default(64), {
      description: 'Stream entries that a worker reads at a time',
      example: '64',
    }),
    REDIS_BLOCK_MS: variable(z.coerce.number().int().min(10).max(5_000).default(1_000), {
      description: 'Longest wait of a worker for new entries, milliseconds',
      example: '1000',
    }),
  } as const;
}

export type DomainEnvironment = ReturnType<typeof parseEnvironment<ReturnType<typeof domainVariables>>>;
