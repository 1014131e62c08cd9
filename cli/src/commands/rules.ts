/** `aurora rules import`: Sigma rules of a folder into the tenant. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { AuroraError } from '@aurorasoc/kit/errors';
import { IMPORT_RULES, type ImportRulesAnswer, type RefusedRule } from '../client/operations.js';
import { callerFolder } from '../environment.js';
import { escapeControls } from '../terminal/escape-controls.js';
import { connectTo, type SiteTarget } from './profile.js';

export interface RuleDocument {
  /** Path below the imported folder. */
  readonly name: string;
  readonly text: string;
}

/** The gateway takes bodies up to 1 MiB; JSON escapes make texts a little longer. */
const CHUNK_BYTES = 900_000;
const CHUNK_DOCUMENTS = 100;

/** @throws AuroraError `NO_RULE_ACCEPTED` when every document was refused, `BAD_USER_INPUT` for a folder without any. */
export async function importRules(folder: string, target: SiteTarget): Promise<void> {
  const documents = readRuleDocuments(resolve(callerFolder(), folder));
  const client = connectTo(target);
  let saved = 0;
  let unchanged = 0;
  let refused = 0;
  for (const chunk of chunkDocuments(documents)) {
    const answer = (await client.query<ImportRulesAnswer>(IMPORT_RULES, { documents: chunk })).importDetectionRules;
    for (const rule of answer.refused) console.error(formatRefusal(rule));
    refused += answer.refused.length;
    if (answer.__typename === 'ImportedRules') {
      saved += answer.saved;
      unchanged += answer.unchanged;
    }
  }
  console.log(`${saved} saved, ${unchanged} unchanged, ${refused} refused, of ${documents.length}`);
  if (saved + unchanged === 0) {
    throw new AuroraError({
      code: 'NO_RULE_ACCEPTED',
      publicMessage: 'None of the rules was accepted; the reasons are above',
    });
  }
}

/** Every `.yml` and `.yaml` below the folder, or the one file that was named, in the order of their names. */
export function readRuleDocuments(path: string): readonly RuleDocument[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new AuroraError({ code: 'BAD_USER_INPUT', field: 'FOLDER', publicMessage: `${path} does not exist` });
  const files = stat.isFile() ? [path] : listRuleFiles(path);
  if (files.length === 0) {
    throw new AuroraError({
      code: 'BAD_USER_INPUT',
      field: 'FOLDER',
      publicMessage: `${path} holds no .yml or .yaml file`,
    });
  }
  return files.map((file) => ({ name: relative(path, file) || file, text: readFileSync(file, 'utf8') }));
}

function listRuleFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.ya?ml$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** In the given order; a document that is larger than a chunk is one of its own, for the gateway to refuse. */
export function* chunkDocuments(documents: readonly RuleDocument[]): Generator<readonly RuleDocument[]> {
  let chunk: RuleDocument[] = [];
  let bytes = 0;
  for (const document of documents) {
    const size = Buffer.byteLength(JSON.stringify(document));
    if (chunk.length > 0 && (chunk.length >= CHUNK_DOCUMENTS || bytes + size > CHUNK_BYTES)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(document);
    bytes += size;
  }
  if (chunk.length > 0) yield chunk;
}

function formatRefusal({ name, code, message, line, column }: RefusedRule): string {
  const place = line === null ? '' : `:${line}${column === null ? '' : `:${column}`}`;
  return `${escapeControls(name)}${place}: ${code}: ${escapeControls(message)}`;
}
