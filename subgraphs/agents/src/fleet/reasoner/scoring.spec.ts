import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SEVERITIES } from '../../a2a/contract.js';
import { INDICATORS, type IndicatorId, weigh } from './scoring.js';

const anyFound = fc.subarray(Object.keys(INDICATORS) as IndicatorId[]);
const anySeverity = fc.constantFrom(...SEVERITIES);

describe('the scoring table', () => {
  it('calls an attack what reaches sixty points', () => {
    expect(weigh('HIGH', ['encoded_command', 'evasive_shell_options'], 0)).toMatchObject({
      score: 60,
      disposition: 'TRUE_POSITIVE',
    });
    expect(weigh('HIGH', ['encoded_command', 'rare_program'], 0)).toMatchObject({
      score: 55,
      disposition: 'UNDETERMINED',
    });
  });

  it('calls benign what software management started, unless enough speaks against it', () => {
    expect(weigh('MEDIUM', ['encoded_command', 'management_parent'], 0).disposition).toBe('BENIGN_POSITIVE');
    expect(weigh('HIGH', ['lsass_access', 'credential_store_copied', 'management_parent'], 0).disposition).toBe(
      'TRUE_POSITIVE',
    );
  });

  it('calls a false positive only what is common and not suspicious at all', () => {
    expect(weigh('MEDIUM', ['widespread_command'], 0).disposition).toBe('FALSE_POSITIVE');
    expect(weigh('MEDIUM', ['widespread_command', 'user_writable_program'], 0).disposition).toBe('UNDETERMINED');
  });

  it('decides nothing without indicators', () => {
    for (const severity of SEVERITIES) expect(weigh(severity, [], 0).disposition).toBe('UNDETERMINED');
  });

  it('is less sure when something could not be checked', () => {
    const found = ['lsass_access', 'remote_thread'];
    expect(weigh('HIGH', found, 1).confidence).toBeLessThan(weigh('HIGH', found, 0).confidence);
    expect(weigh('HIGH', found, 9).confidence).toBe(weigh('HIGH', found, 2).confidence);
  });

  it('counts each indicator once, whatever its order, and no unknown one', () => {
    fc.assert(
      fc.property(anySeverity, anyFound, (severity, found) => {
        expect(weigh(severity, [...found].reverse().concat(found, ['no_such_indicator' as IndicatorId]), 0)).toEqual(
          weigh(severity, found, 0),
        );
      }),
    );
  });

  it('never lets a further suspicious indicator turn an attack into something else', () => {
    fc.assert(
      fc.property(
        anySeverity,
        anyFound,
        fc.constantFrom(...(Object.keys(INDICATORS) as IndicatorId[])),
        (severity, found, more) => {
          fc.pre(INDICATORS[more].points > 0 && weigh(severity, found, 0).disposition === 'TRUE_POSITIVE');
          expect(weigh(severity, [...found, more], 0).disposition).toBe('TRUE_POSITIVE');
        },
      ),
    );
  });

  it('keeps confidence between 0.05 and 0.95', () => {
    fc.assert(
      fc.property(anySeverity, anyFound, fc.nat(5), (severity, found, unchecked) => {
        const { confidence } = weigh(severity, found, unchecked);
        expect(confidence).toBeGreaterThanOrEqual(0.05);
        expect(confidence).toBeLessThanOrEqual(0.95);
      }),
    );
  });
});
