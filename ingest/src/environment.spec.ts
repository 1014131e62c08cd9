import { parseEnvironment } from '@aurorasoc/kit/environment';
import { AuroraError } from '@aurorasoc/kit/errors';
import { NO_TENANT } from '@aurorasoc/kit/ids';
import { describe, expect, it } from 'vitest';
import { ingestVariables } from './environment.js';

describe('the environment', () => {
  it('lists every bad variable at once, each with an example', () => {
    const read = (): unknown =>
      parseEnvironment(ingestVariables, {
        REDIS_URL: 'foo',
        INGEST_PARTITIONS: '0',
        AURORA_API_KEYS_FILE: '/no/such/file',
        INGEST_SYSLOG_TENANT: NO_TENANT,
      });
    expect(read).toThrow(AuroraError);
    expect(read).toThrow(/REDIS_URL: .*redis:\/\/.*\n?/);
    expect(read).toThrow(/INGEST_PARTITIONS: .*example/);
    expect(read).toThrow(/AURORA_API_KEYS_FILE: .*does not exist/);
    expect(read).toThrow(/INGEST_SYSLOG_TENANT: .*stands for nobody/);
  });
});
