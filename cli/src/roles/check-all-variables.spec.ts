import { describe, expect, it } from 'vitest';
import { checkAllVariables } from './check-all-variables.js';

describe('the variables of a whole site', () => {
  it('are fine when nothing is set', async () => {
    await expect(checkAllVariables({})).resolves.toBeUndefined();
  });

  it('are all named at once when they are wrong, each once, whichever role reads them', async () => {
    const problems = checkAllVariables({
      AURORA_WORKER_REPLICAS: 'many',
      INVESTIGATE_FROM_SEVERITY: 'WHATEVER',
      REDIS_BLOCK_MS: '1',
      INGEST_PARTITIONS: '65',
      INGEST_RESEND_MS: 'soon',
      GRAPHQL_INTROSPECTION: 'maybe',
      A2A_BASE_PORT: '70000',
      LOG_LEVEL: 'loud',
    }).catch(({ code, publicMessage }) => ({
      code,
      names: publicMessage.replaceAll(/^(\w+): .*$/gm, '$1').split('\n'),
    }));
    await expect(problems).resolves.toEqual({
      code: 'CONFIGURATION_INVALID',
      names: [
        'LOG_LEVEL',
        'AURORA_WORKER_REPLICAS',
        'A2A_BASE_PORT',
        'REDIS_BLOCK_MS',
        'INGEST_PARTITIONS',
        'INVESTIGATE_FROM_SEVERITY',
        'INGEST_RESEND_MS',
        'GRAPHQL_INTROSPECTION',
      ],
    });
  });

  it('do not hold what the supervisor itself gives to roles', async () => {
    const own = { DATABASE_URL: 'postgres://admin:x@db/aurora', AURORA_API_KEYS_FILE: '/nowhere', GATEWAY_URL: 'none' };
    await expect(checkAllVariables(own)).resolves.toBeUndefined();
  });
});
