import { describe, expect, it } from 'vitest';
import { loadRole } from './load-role.js';

const ON = { workers: 'on' } as const;
const OFF = { workers: 'off' } as const;

describe('a role', () => {
  it.each([
    ['gateway', ON],
    ['alerts', OFF],
    ['alerts-worker', ON],
    ['fleet', ON],
    ['agent:endpoint', ON],
  ])('is found by its name: %s', async (name, options) => {
    expect(await loadRole(name, options)).toBeTypeOf('function');
  });

  it.each(['', 'alert', 'agent:', 'agent:nobody', 'constructor', 'worker'])(
    'there is none of the name "%s"',
    async (name) => {
      await expect(loadRole(name, ON)).rejects.toMatchObject({
        code: 'UNKNOWN_ROLE',
        field: '--role',
        publicMessage: expect.stringMatching(/gateway.*alerts-worker.*agent:<name>/),
      });
    },
  );

  it.each(['gateway', 'fleet', 'alerts-worker', 'agent:endpoint'])(
    'of %s has no workers to be left out',
    async (name) => {
      await expect(loadRole(name, OFF)).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field: '--workers' });
    },
  );
});
