/** Saves Sigma documents as a tenant's rules. A document that is refused says why and at which line; the others count. */
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import type { EntityManager } from '@aurorasoc/kit/database';
import { badUserInput } from '@aurorasoc/kit/errors';
import { findUnstorable } from '@aurorasoc/kit/graphql';
import { isUuid } from '@aurorasoc/kit/ids';
import type { SigmaRule } from '@aurorasoc/sigma';
import type { AlertsServices } from '../context.js';
import { DetectionRuleRow } from './detection-rule.entity.js';
import type { RuleBook } from './rule-book.js';
import { factsOf, findUnstorableFact, isCurrent } from './rule-facts.js';
import { RuleRoom } from './rule-room.js';
import { TimeSlices } from './time-slices.js';

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
  const accepted: AcceptedRule[] = [];
  const acceptedIds = new Set<string>();
  const slices = await TimeSlices.begin();
  for (const document of documents) {
    for (const found of readDocument(services.rules, document, outcome.refused)) {
      if (acceptedIds.has(found.rule.id)) {
        const message = 'An earlier document of this import has the same id';
        outcome.refused.push(refusal(document.name, 'DUPLICATE_ID', message));
        continue;
      }
      acceptedIds.add(found.rule.id);
      accepted.push(found);
    }
    // Reading does not wait for anything: other requests are answered between two documents.
    await slices.pause();
  }
  if (accepted.length === 0) return outcome;
  const withoutRoom: RefusedRule[] = [];
  await services.runtime.database.inTenant(principal.tenant, async (em) => {
    // Two imports of one rule would both count its version up from the same one.
    await em.execute('select pg_advisory_xact_lock(hashtextextended(?, 0))', [
      `detection rules of ${principal.tenant}`,
    ]);
    outcome.saved = 0;
    outcome.unchanged = 0;
    withoutRoom.length = 0;
    const room = await RuleRoom.of(em, principal.tenant);
    for (const found of accepted) {
      const result = await saveRule(em, services, principal, found, room);
      if (result === 'saved' || result === 'unchanged') outcome[result] += 1;
      else withoutRoom.push(result);
    }
    if (outcome.saved > 0)
      await em.execute(
        `insert into alerts.rule_set (tenant, version) values (?, 1)
         on conflict (tenant) do update set version = rule_set.version + 1, stamp = default`,
        [principal.tenant],
      );
  });
  outcome.refused.push(...withoutRoom);
  return outcome;
}

interface AcceptedRule {
  readonly name: string;
  readonly rule: SigmaRule;
  readonly text: string;
}

function readDocument(book: RuleBook, { name, text }: RuleDocument, refused: RefusedRule[]): AcceptedRule[] {
  const unstorable = findUnstorable(text);
  if (unstorable >= 0) {
    refused.push(unstorableText(name, 'The document', text.slice(0, unstorable).split('\n').length));
    return [];
  }
  const { rules, errors } = book.parse(text, name);
  for (const error of errors)
    refused.push({
      name,
      code: error.code,
      message: error.message,
      line: error.line ?? null,
      column: error.column ?? null,
    });
  if (rules.length + errors.length === 0) refused.push(refusal(name, 'NO_RULE', 'The document holds no rule'));
  return rules.flatMap((rule) => {
    const { line } = rule.source;
    if (!isUuid(rule.id)) {
      const message = 'The rule needs an id that is a UUID in lower case';
      refused.push({ name, code: 'ID_MISSING', message, line, column: null });
      return [];
    }
    const unstorable = findUnstorableFact(rule);
    if (unstorable !== undefined) {
      refused.push(unstorableText(name, `The ${unstorable}`, line));
      return [];
    }
    return [{ name, rule, text }];
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

/** @returns `unchanged` when the tenant has the rule with this very text. */
async function saveRule(
  em: EntityManager,
  services: AlertsServices,
  principal: Principal,
  { name, rule, text }: AcceptedRule,
  room: RuleRoom,
): Promise<'saved' | 'unchanged' | RefusedRule> {
  const now = new Date();
  let row = await em.findOne(DetectionRuleRow, { tenant: principal.tenant, id: rule.id });
  if (row?.source === text && row.isEnabled) {
    if (!isCurrent(row.facts)) {
      // Another release has noted these, or none. They follow from the text: the rule has no new version by them.
      room.correct(row.weight, rule.weight);
      em.assign(row, { weight: rule.weight, facts: factsOf(rule) });
    }
    return 'unchanged';
  }
  const lack = room.take(rule.weight, row?.weight);
  if (lack) return refusal(name, lack.code, lack.message);
  const { title, level, weight } = rule;
  const content = {
    source: text,
    title,
    level: level ?? 'medium',
    isEnabled: true,
    weight,
    facts: factsOf(rule),
    updatedAt: now,
  };
  if (row) em.assign(row, { ...content, version: row.version + 1 });
  else
    row = em.create(DetectionRuleRow, {
      tenant: principal.tenant,
      id: rule.id,
      version: 1,
      createdAt: now,
      ...content,
    });
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
  return 'saved';
}
