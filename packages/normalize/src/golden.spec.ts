import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createNormalizer } from './create-normalizer.js';
import { canonicalText } from './json/canonical-text.js';

/**
 * `NAME.input.jsonl` is one line as a shipper sends it, `NAME.expected.json` the event without the three members that
 * follow from the others: the line itself, its hash and the hash of the spec. Both engines must pass.
 */
const FOLDER = new URL('../testdata/', import.meta.url);
const NAMES = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.input.jsonl'))
  .map((file) => file.slice(0, -'.input.jsonl'.length));

const CONTEXT = { eventId: '01999999-0000-7000-8000-000000000001', ingested: '2026-03-04T05:06:10.000Z' };

interface Expected {
  aurora: { spec: { sha256?: string } };
  event: { original?: string; hash?: string };
}

describe('golden events', () => {
  it.each(NAMES)('%s comes out byte for byte as reviewed', (name) => {
    const line = readFileSync(new URL(`${name}.input.jsonl`, FOLDER)).subarray(0, -1);
    const { json } = createNormalizer().normalize(line, CONTEXT);
    const { aurora } = JSON.parse(json) as Expected;
    const expected = JSON.parse(readFileSync(new URL(`${name}.expected.json`, FOLDER), 'utf8')) as Expected;
    expected.event.original = line.toString('utf8');
    expected.event.hash = hash('sha256', line, 'hex');
    expected.aurora.spec.sha256 = aurora.spec.sha256 as string;
    expect(aurora.spec.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(json).toBe(canonicalText(expected));
  });
});
