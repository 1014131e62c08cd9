/** A row of the public Sigma regression data, read where `AURORA_FIXTURES` names a folder that has it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GraphClient } from '@aurorasoc/cli/client';
import { expect } from 'vitest';

export interface RegressionCase {
  readonly title: string;
  readonly event: string;
  readonly rules: readonly { readonly name: string; readonly text: string }[];
}

interface IndexRow {
  rule_id: string;
  title: string;
  rule: string;
  event: string;
  events: number;
}

function readCase(): RegressionCase | undefined {
  const folder = process.env.AURORA_FIXTURES;
  if (folder === undefined || !existsSync(join(folder, 'sigma/regression-index.json'))) return undefined;
  const rows = JSON.parse(readFileSync(join(folder, 'sigma/regression-index.json'), 'utf8')) as IndexRow[];
  const row = rows.find((each) => each.events === 1 && each.rule.includes('proc_creation_win'));
  if (!row) return undefined;
  const read = (path: string): string => readFileSync(join(folder, 'sigma', path), 'utf8');
  return { title: row.title, event: read(row.event), rules: [{ name: row.rule, text: read(row.rule) }] };
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
