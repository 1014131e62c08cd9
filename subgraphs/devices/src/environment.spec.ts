import { AuroraError } from '@aurorasoc/kit/errors';
import { expect, it } from 'vitest';
import { readDevicesEnvironment } from './environment.js';

/** What is said of the variable; others are missing as well. */
function faultsOf(graceMs: string): string {
  try {
    readDevicesEnvironment({ DEVICE_GRACE_MS: graceMs });
    return '';
  } catch (error) {
    return error instanceof AuroraError ? error.publicMessage : '';
  }
}

it('takes no grace that is shorter than the time in which ingest notices that it hears nothing', () => {
  expect(faultsOf('9999')).toContain('DEVICE_GRACE_MS');
  expect(faultsOf('10000')).toContain('REDIS_URL');
  expect(faultsOf('10000')).not.toContain('DEVICE_GRACE_MS');
});
