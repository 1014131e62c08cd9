/** Saves Sigma documents as a tenant's rules. A document that is refused says why and at which line; the others count. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import type { EntityManager } from '@aurorasoc/kit/database';
import { badUserInput } from '@aurorasoc/kit/errors';
import { findUnstorable } from '@aurorasoc/kit/graphql';
import { isUuid } from '@aurorasoc/kit/ids';
import { parseRules, type SigmaRule } from '@aurorasoc/sigma';
import type { AlertsServices } from '../context.js';
import { DetectionRuleRow } from './detection-rule.entity.js';

export interface RuleDocument {
  readonly name: string;
  readonly text: string;
}

export interface RefusedRule {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly line: number | null;
  readonly column: number | null;
}

export interface ImportOutcome {
  saved: number;
  unchanged: number;
  readonly refused: RefusedRule[];
}

export const MAX_DOCUMENTS = 500;
const MAX_NAME = 500;

/** All accepted documents are saved in one transaction. */
export async function importDetectionRules(
  services: AlertsServices,
  principal: Principal,
  documents: readonly RuleDocument[],
): Promise<ImportOutcome> {
  if (documents.length > MAX_DOCUMENTS)
    throw badUserInput('input.documents', `At most ${MAX_DOCUMENTS} documents at a time`);
  documents.forEach(({ name }, index) => {
    if (name.length > MAX_NAME) throw badUserInput(`input.documents[${index}].name`, `At most ${MAX_NAME} characters`);
  });
  const outcome: ImportOutcome = { saved: 0, unchanged: 0, refused: [] };
  const accepted: { rule: SigmaRule; text: string }[] = [];
  const acceptedIds = new Set<string>();
  for (const document of documents) {
    for (const found of readDocument(document, outcome.refused)) {
      if (acceptedIds.has(found.rule.id)) {
        const message = 'An earlier document of this import has the same id';
        outcome.refused.push(refusal(document.name, 'DUPLICATE_ID', message));
        continue;
      }
      acceptedIds.add(found.rule.id);
      accepted.push(found);
    }
    // Reading does not wait for anything: other requests get their turn between two documents.
    await nextTurn();
  }
  if (accepted.length === 0) return outcome;
  await services.runtime.database.inTenant(principal.tenant, async (em) => {
    // Two imports of one rule would both count its version up from the same one.
    await em.execute('select pg_advisory_xact_lock(hashtext(?))', [`detection rules of ${principal.tenant}`]);
    outcome.saved = 0;
    outcome.unchanged = 0;
    for (const { rule, text } of accepted) {
      const isSaved = await saveRule(em, services, principal, rule, text);
      outcome[isSaved ? 'saved' : 'unchanged'] += 1;
    }
    if (outcome.saved > 0)
      await em.execute(
        'insert into alerts.rule_set (tenant, version) values (?, 1) on conflict (tenant) do update set version = rule_set.version + 1',
        [principal.tenant],
      );
  });
  return outcome;
}

function readDocument({ name, text }: RuleDocument, refused: RefusedRule[]): { rule: SigmaRule; text: string }[] {
  const unstorable = findUnstorable(text);
  if (unstorable >= 0) {
    refused.push(unstorableText(name, 'The document', text.slice(0, unstorable).split('\n').length));
    return [];
  }
  const { rules, errors } = parseRules(text, name);
  for (const error of errors)
    refused.push({
      name,
      code: error.code,
      message: error.message,
      line: error.line ?? null,
      column: error.column ?? null,
    });
  if (rules.length > 1) {
    refused.push(refusal(name, 'SEVERAL_RULES', 'Send one rule per document'));
    return [];
  }
  if (rules.length + errors.length === 0) refused.push(refusal(name, 'NO_RULE', 'The document holds no rule'));
  return rules.flatMap((rule) => {
    const { line } = rule.source;
    if (!isUuid(rule.id)) {
      const message = 'The rule needs an id that is a UUID in lower case';
      refused.push({ name, code: 'ID_MISSING', message, line, column: null });
      return [];
    }
    // YAML's escapes make such characters out of a text that has none. These two are stored: here, and in each alert.
    for (const key of ['title', 'description'] as const) {
      if (findUnstorable(rule[key] ?? '') < 0) continue;
      refused.push(unstorableText(name, `The ${key}`, line));
      return [];
    }
    return [{ rule, text }];
  });
}

/** Of a document as a whole. */
function refusal(name: string, code: string, message: string): RefusedRule {
  return { name, code, message, line: null, column: null };
}

function unstorableText(name: string, what: string, line: number): RefusedRule {
  const message = `${what} holds NUL or half of a surrogate pair, which cannot be stored`;
  return { name, code: 'UNSTORABLE_TEXT', message, line, column: null };
}

/** @returns false when the tenant has the rule with this very text. */
async function saveRule(
  em: EntityManager,
  services: AlertsServices,
  principal: Principal,
  rule: SigmaRule,
  text: string,
): Promise<boolean> {
  const now = new Date();
  let row = await em.findOne(DetectionRuleRow, { tenant: principal.tenant, id: rule.id });
  if (row?.source === text && row.isEnabled) return false;
  const facts = { source: text, title: rule.title, level: rule.level ?? 'medium', isEnabled: true, updatedAt: now };
  if (row) em.assign(row, { ...facts, version: row.version + 1 });
  else
    row = em.create(DetectionRuleRow, { tenant: principal.tenant, id: rule.id, version: 1, createdAt: now, ...facts });
  em.persist(row);
  await services.recorder.record(em, {
    type: 'detection_rule.saved',
    // Two tenants may hold the rule of one id, each with versions of its own.
    subject: `${principal.tenant}/${rule.id}`,
    version: row.version,
    tenant: principal.tenant,
    actor: actorOf(principal),
    data: { title: row.title, level: row.level, isEnabled: row.isEnabled },
    occurredAt: now,
  });
  return true;
}
