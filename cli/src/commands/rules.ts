/** `aurora rules import`: Sigma rules of a folder into the tenant. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { AuroraError, badUserInput } from '@aurorasoc/kit/errors';
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
  if (folder === '') throw badUserInput('FOLDER', 'Name a folder or a file; "." is the one you are in');
  const documents = readRuleDocuments(resolve(callerFolder(), folder));
  const client = connectTo(target);
  let saved = 0;
  let unchanged = 0;
  const [sendable, tooLarge] = splitBySize(documents);
  for (const { name } of tooLarge)
    console.error(
      `${escapeControls(name)}: TOO_COMPLEX: The file is larger than a request may be; no rule is that long`,
    );
  let refused = tooLarge.length;
  for (const chunk of chunkDocuments(sendable)) {
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
  if (stat === undefined) throw badUserInput('FOLDER', `${path} does not exist`);
  if (!stat.isFile() && !stat.isDirectory()) throw badUserInput('FOLDER', `${path} is neither a folder nor a file`);
  const files = stat.isFile() ? [path] : listRuleFiles(path).sort();
  if (files.length === 0) throw badUserInput('FOLDER', `${path} holds no .yml or .yaml file`);
  return files.map((file) => ({ name: relative(path, file) || file, text: readFileSync(file, 'utf8') }));
}

/** Links to folders are not followed: they may lead back to where they are, which has no end. */
function listRuleFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return listRuleFiles(path);
    if (!/\.ya?ml$/i.test(entry.name)) return [];
    return entry.isFile() || (entry.isSymbolicLink() && leadsToFile(path)) ? [path] : [];
  });
}

function leadsToFile(link: string): boolean {
  try {
    return statSync(link).isFile();
  } catch {
    return false; // to nothing, or to itself
  }
}

function splitBySize(documents: readonly RuleDocument[]): [sendable: RuleDocument[], tooLarge: RuleDocument[]] {
  const isSendable = (document: RuleDocument): boolean => sizeOf(document) <= CHUNK_BYTES;
  return [documents.filter(isSendable), documents.filter((document) => !isSendable(document))];
}

function sizeOf(document: RuleDocument): number {
  return Buffer.byteLength(JSON.stringify(document));
}

/** In the given order; a document that is larger than a chunk is one of its own. */
export function* chunkDocuments(documents: readonly RuleDocument[]): Generator<readonly RuleDocument[]> {
  let chunk: RuleDocument[] = [];
  let bytes = 0;
  for (const document of documents) {
    const size = sizeOf(document);
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
