import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DIMENSIONS, featureHashing, hashFeatures } from './feature-hashing.js';

const cosine = (a: string, b: string): number => {
  const other = hashFeatures(b);
  return hashFeatures(a).reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
};

describe('feature hashing', () => {
  it('gives each text a vector of length 1, the same each time, whatever the text holds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const vector = hashFeatures(text);
        expect(vector).toHaveLength(DIMENSIONS);
        expect(Buffer.from(hashFeatures(text).buffer).equals(Buffer.from(vector.buffer))).toBe(true);
        const length = Math.hypot(...vector);
        // Features of opposite sign in one dimension may cancel out, as those of no text do.
        expect(length === 0 || Math.abs(length - 1) < 1e-5).toBe(true);
      }),
    );
  });

  it('is what it was when vectors were stored: another hash would make them strangers', () => {
    const features = [...hashFeatures('vssadmin').entries()].filter(([, value]) => value !== 0);
    expect(features).toEqual([[24, -1]]);
  });

  it('puts texts that share words nearer than others, and those in the same order nearest', () => {
    const text = 'vssadmin deleted all shadow copies of the volume';
    const ordered = cosine(text, 'shadow copies deleted by vssadmin');
    const shuffled = cosine(text, 'copies vssadmin by deleted shadow');
    expect(cosine(text, text)).toBeCloseTo(1, 5);
    expect(ordered).toBeGreaterThan(shuffled);
    expect(shuffled).toBeGreaterThan(cosine(text, 'nightly backup ran without an error'));
    expect(Math.abs(cosine(text, 'nightly backup ran without an error'))).toBeLessThan(0.3);
  });

  it('knows a word in whichever case, width and punctuation', () => {
    expect(cosine('VSSADMIN.EXE', 'vssadmin exe')).toBeCloseTo(1, 5);
    expect(cosine('ｖｓｓａｄｍｉｎ', 'vssadmin')).toBeCloseTo(1, 5);
    expect(cosine('Überprüfung', 'u\u0308berpru\u0308fung')).toBeCloseTo(1, 5);
  });

  it('gives zeros where there is no word', async () => {
    const [vector] = await featureHashing.embed([' … – ! ']);
    expect(vector?.every((value) => value === 0)).toBe(true);
  });
});
