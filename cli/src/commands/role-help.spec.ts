import { readFileSync } from 'node:fs';
import { ROLES } from '@aurorasoc/kit/auth';
import { describe, expect, it } from 'vitest';
import { describeRole, describeRoles } from './role-help.js';

describe('what roles may do', () => {
  it('is told from the rights that they have', () => {
    expect(describeRole('viewer')).toBe('read everything');
    expect(describeRole('integrator')).toBe('read everything, send events');
    expect(describeRole('admin')).toContain('import rules');
    expect(describeRoles().split('\n')).toHaveLength(1 + ROLES.length);
  });

  it.each(ROLES)('is what the README says of %s', (role) => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    expect(readme).toContain(`| \`${role}\` | ${describeRole(role)} |`);
  });
});
