/**
 * CACAO playbooks as others write them, and the same with one defect each: what is sound is taken, what is broken is refused
 * for the right kind of reason.
 *
 * The folder holds `cacao/index.json`: rows of a file and, in words, what is expected of it.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Validation, validatePlaybook } from '@aurorasoc/cacao';

export interface CacaoConformance {
  readonly name: 'cacao';
  /** Playbooks judged as the index expects. */
  readonly passed: number;
  readonly total: number;
  readonly met: boolean;
  /** One line for each playbook that is judged otherwise. */
  readonly notes: string[];
}

interface Row {
  /** Path below the `cacao` folder. */
  readonly file: string;
  readonly expect: string;
}

type Judge = (validation: Validation) => boolean;

const isAccepted: Judge = ({ playbook }) => playbook !== undefined;
const isRefused: Judge = (validation) => !isAccepted(validation);
const refusedAs =
  (kind: 'SCHEMA' | 'SEMANTIC'): Judge =>
  (validation) =>
    isRefused(validation) &&
    validation.problems.some((problem) => problem.severity === 'ERROR' && problem.kind === kind);
/** Every error names its place; only a whole document that is no playbook at all has none. */
const isRefusedByField: Judge = (validation) =>
  isRefused(validation) &&
  validation.problems.every(({ severity, pointer }) => severity === 'WARNING' || pointer !== '');
const isAcceptedWithWarnings: Judge = (validation) => isAccepted(validation) && validation.problems.length > 0;

/** By how the index begins its words; the first that fits decides. */
const JUDGES: readonly (readonly [RegExp, Judge])[] = [
  [/^accept by OASIS schema; upstream test treats it as invalid/, isRefused],
  [/^accept$/, isAccepted],
  [/^reject \(schema\)/, refusedAs('SCHEMA')],
  // No runs here that could be bounded: "or bounded run" leaves the refusal.
  [/^reject \(semantic\)/, refusedAs('SEMANTIC')],
  [
    /^upstream example that the OASIS schema rejects/,
    (validation) => isRefusedByField(validation) || isAcceptedWithWarnings(validation),
  ],
];

/** @param fixturesDir - folder that holds `cacao/`. */
export async function run(fixturesDir: string): Promise<CacaoConformance> {
  const folder = join(fixturesDir, 'cacao');
  const rows = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as readonly Row[];
  const notes: string[] = [];
  for (const { file, expect } of rows) {
    const judge = JUDGES.find(([words]) => words.test(expect))?.[1];
    const validation = validatePlaybook(await readFile(join(folder, file), 'utf8'));
    if (judge === undefined) notes.push(`${file}: nobody knows what "${expect}" asks for`);
    else if (!judge(validation)) notes.push(`${file}: expected "${expect}", got ${describe(validation)}`);
  }
  const passed = rows.length - notes.length;
  return { name: 'cacao', passed, total: rows.length, met: rows.length > 0 && notes.length === 0, notes };
}

function describe({ playbook, problems }: Validation): string {
  const words = problems.map(({ code, pointer }) => `${code} at ${pointer || 'the document'}`);
  return `${playbook ? 'accepted' : 'refused'} (${words.join(', ') || 'no problems'})`;
}
