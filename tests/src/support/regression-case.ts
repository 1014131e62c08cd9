/** A row of the public Sigma regression data, read where that is at hand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GraphClient } from '@aurorasoc/cli/client';
import { expect } from 'vitest';
import { fixturesFolder, hasFixtures } from './fixtures.js';

export interface RegressionCase {
  readonly ruleId: string;
  readonly event: string;
  readonly rules: readonly { readonly name: string; readonly text: string }[];
}

interface IndexRow {
  rule_id: string;
  rule: string;
  event: string;
  events: number;
}

function readCase(): RegressionCase | undefined {
  if (!hasFixtures) return undefined;
  const read = (path: string): string => readFileSync(join(fixturesFolder, 'sigma', path), 'utf8');
  const rows = JSON.parse(read('regression-index.json')) as IndexRow[];
  const row = rows.find((each) => each.events === 1 && each.rule.includes('proc_creation_win'));
  if (!row) return undefined;
  return { ruleId: row.rule_id, event: read(row.event), rules: [{ name: row.rule, text: read(row.rule) }] };
}

export const regressionCase = readCase();

export async function importRules(
  { client }: { client: GraphClient },
  documents: RegressionCase['rules'],
): Promise<void> {
  const { importDetectionRules } = await client.query<{ importDetectionRules: { saved?: number } }>(
    'mutation ($input: ImportDetectionRulesInput!) { importDetectionRules(input: $input) { ... on ImportedRules { saved } ... on NoRuleAccepted { refused { message } } } }',
    { input: { documents } },
  );
  expect(importDetectionRules).toEqual({ saved: documents.length });
}
