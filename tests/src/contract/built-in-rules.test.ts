/** The product's own rules, each fired by an event of our own through the real normaliser: a rule that cannot fire is none. */
import { readdirSync, readFileSync } from 'node:fs';
import { createNormalizer } from '@aurorasoc/normalize';
import { createEngine, type EventDocument, parseRules, type SigmaRule } from '@aurorasoc/sigma';
import { beforeAll, describe, expect, it } from 'vitest';

const root = new URL('../../../', import.meta.url);
const folder = new URL('subgraphs/alerts/rules/', root);
const files = readdirSync(folder).filter((name) => name.endsWith('.yml'));
const normalizer = createNormalizer();

function normalize(event: unknown): EventDocument {
  const context = { eventId: '01a20aae-e7b6-772b-baee-ccccae6a0000', ingested: '2026-11-23T12:00:00.000Z' };
  return JSON.parse(normalizer.normalize(Buffer.from(JSON.stringify(event)), context).json) as EventDocument;
}

function fileOf(rule: SigmaRule): string {
  return rule.source.name.replace('.yml', '');
}

let rules: SigmaRule[];

beforeAll(() => {
  rules = files.flatMap((name) => {
    const parsed = parseRules(readFileSync(new URL(name, folder), 'utf8'), name);
    expect(parsed.errors).toEqual([]);
    return [...parsed.rules];
  });
});

describe('the built-in rules', () => {
  it('have ids of their own', () => {
    expect(new Set(rules.map((rule) => rule.id)).size).toBe(files.length);
  });

  it('find each step of the sample intrusion, and nothing in what is ordinary', () => {
    const engine = createEngine(rules);
    const lines = readFileSync(new URL('cli/sample/intrusion.ndjson', root), 'utf8').trimEnd().split('\n');
    const found = lines.map((line) => {
      const { event } = JSON.parse(
        line.replaceAll('{{now}}', '2026-11-23T11:59:59.000Z').replaceAll('{{play}}', '3FA2'),
      ) as { event: unknown };
      return engine.match(normalize(event)).map(fileOf).sort();
    });
    const nothing: string[] = [];
    expect(found).toEqual([
      nothing,
      nothing,
      nothing,
      nothing,
      ['office-spawns-shell', 'powershell-encoded-command'],
      nothing,
      nothing,
      ['certutil-download'],
      nothing,
      nothing,
      ['scheduled-task-from-user-folder'],
      ['run-key-to-user-folder'],
      nothing,
      nothing,
      ['lsass-dump-by-comsvcs'],
      ['lsass-memory-read'],
      nothing,
      ['remote-execution-service'],
      nothing,
      ['member-added-to-administrators'],
      ['shadow-copies-deleted'],
      ['defender-found-malware'],
      ['security-log-cleared'],
    ]);
    expect(new Set(found.flat()).size).toBe(files.length - 1);
  });

  it('hold the probe of the golden path', () => {
    const probe = {
      '@timestamp': '2026-11-23T12:00:00.000Z',
      ecs: { version: '9.0.0' },
      event: { kind: 'event', dataset: 'aurora.probe', module: 'aurora' },
      host: { name: 'probe' },
    };
    expect(createEngine(rules).match(normalize(probe)).map(fileOf)).toEqual(['golden-path-probe']);
  });
});
