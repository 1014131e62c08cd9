import { describe, expect, it } from 'vitest';
import { readAttackTags } from './attack-tags.js';

describe('readAttackTags', () => {
  it('derives technique and tactic ids and passes over everything else', () => {
    const tags = [
      'attack.t1059.001',
      'attack.T1003',
      'attack.t1059.001',
      'attack.credential_access',
      'attack.execution',
    ];
    expect(
      readAttackTags([...tags, 'attack.g0016', 'attack.s0002', 'cve.2021-44228', 'attack.t99', 'tlp.red']),
    ).toEqual({
      techniques: ['T1059.001', 'T1003'],
      tactics: ['TA0006', 'TA0002'],
    });
  });
});
