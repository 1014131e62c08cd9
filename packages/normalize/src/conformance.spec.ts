/**
 * Runs over foreign data in the folder `AURORA_FIXTURES` names: JSONTestSuite, the full list of ECS fields, real Windows
 * events. Skipped without it; the other specs cover the same ground with data of our own.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createNormalizer } from './create-normalizer.js';
import { readFixturesFolder } from './testing/environment.js';
import { isCustomField, listLeaves } from './testing/list-leaves.js';

const fixtures = readFixturesFolder();
const inFixtures = (...path: string[]): string => join(fixtures as string, ...path);
const listFiles = (...path: string[]): string[] => (fixtures === undefined ? [] : readdirSync(inFixtures(...path)));

const normalizer = createNormalizer();
const normalize = (line: Uint8Array) => normalizer.normalize(line, { eventId: 'e1', ingested: '2026-03-04T05:06:10Z' });

/** Valid JSON that is refused on purpose: two readers may see two different values in it. */
const REFUSED_BY_POLICY = new Set(['y_object_duplicated_key.json', 'y_object_duplicated_key_and_value.json']);

describe.skipIf(fixtures === undefined)('foreign data', () => {
  it('JSONTestSuite: what must be accepted is, but for duplicate keys', () => {
    const refused = listFiles('malformed', 'json', 'test_parsing').filter((file) => {
      if (!file.startsWith('y_')) return false;
      const result = normalize(readFileSync(inFixtures('malformed', 'json', 'test_parsing', file)));
      return result.outcome === 'raw' && result.reason !== 'NOT_AN_OBJECT';
    });
    expect(new Set(refused)).toEqual(REFUSED_BY_POLICY);
  });

  it('JSONTestSuite: what must be refused becomes a raw event', () => {
    const accepted = listFiles('malformed', 'json', 'test_parsing').filter((file) => {
      if (!file.startsWith('n_')) return false;
      const result = normalize(readFileSync(inFixtures('malformed', 'json', 'test_parsing', file)));
      return result.outcome === 'parsed' || result.reason === 'NOT_AN_OBJECT';
    });
    expect(accepted).toEqual([]);
  });

  it('naughty strings come back unchanged from every place they can stand', () => {
    const strings = JSON.parse(readFileSync(inFixtures('malformed', 'naughty-strings.json'), 'utf8')) as string[];
    for (const text of strings) {
      const document = { EventID: 1, Channel: 'x', [`k${text}`]: text };
      const { json } = normalize(Buffer.from(JSON.stringify(document)));
      expect(JSON.parse(json)).toMatchObject({ winlog: { event_data: { [`k${text}`]: text } } });
    }
  });

  it('real Winlogbeat events keep the ECS that their modules wrote', () => {
    const lost = listFiles('ecs-sekoia', 'winlogbeat').flatMap((file) => {
      const { input } = JSON.parse(readFileSync(inFixtures('ecs-sekoia', 'winlogbeat', file), 'utf8')) as {
        input: { message: string };
      };
      const { process, registry } = JSON.parse(input.message) as Record<string, object | undefined>;
      const event = JSON.parse(normalize(Buffer.from(input.message)).json) as Record<string, unknown>;
      const written = [process, registry].flatMap((section) => listLeaves(section ?? {}, () => false));
      const kept = JSON.stringify([event.process, event.registry]);
      return written
        .filter(
          ({ path, value }) =>
            ['executable', 'command_line', 'path'].includes(path) && !kept.includes(JSON.stringify(value)),
        )
        .map(({ path }) => `${file}: ${path}`);
    });
    expect(lost).toEqual([]);
  });

  it('real Windows events give only official ECS fields and allowed values', () => {
    const { fields } = JSON.parse(readFileSync(inFixtures('ecs-schema', 'ecs-fields.json'), 'utf8')) as {
      fields: Record<string, { array?: boolean; allowed_values?: string[] }>;
    };
    const faults = new Set<string>();
    const files = listFiles('sigma', 'regression').filter((file) => file.endsWith('.json'));
    for (const file of files) {
      const text = readFileSync(inFixtures('sigma', 'regression', file), 'utf8').replace(/^\ufeff/, '');
      for (const line of text.split(/\n(?=\{)/)) {
        const result = normalize(Buffer.from(line.trim()));
        if (result.outcome === 'raw') faults.add(`${file}: ${result.reason}`);
        for (const { path, value } of listLeaves(JSON.parse(result.json), (leaf) => leaf in fields)) {
          const field = fields[path];
          if (isCustomField(path)) continue;
          if (field === undefined || (field.array ?? false) !== Array.isArray(value)) faults.add(path);
          const allowed = field?.allowed_values;
          if (allowed && ![value].flat().every((item) => allowed.includes(String(item))))
            faults.add(`${path}: ${value}`);
        }
      }
    }
    expect(files.length).toBeGreaterThan(0);
    expect([...faults]).toEqual([]);
  });
});
