/** The whole judgement of one document. */
import { checkDefinitions } from './flow/check-definitions.js';
import { checkFlow } from './flow/check-flow.js';
import { checkVariables } from './flow/check-variables.js';
import { type Problem, Report } from './problem.js';
import { readText } from './read-text.js';
import { timeOf } from './shape/data-types.js';
import { playbook as playbookShape } from './shape/playbook.js';
import { isObject, type JsonObject, memberOf } from './shape/shape.js';

export interface PlaybookFacts {
  /** CACAO's `id`, `playbook--<uuid>`, its UUID in lower case: the same in every version of the playbook. */
  readonly id: string;
  readonly name: string;
  readonly description: string | undefined;
  readonly steps: number;
  /** The author says that it is not valid any more. */
  readonly isRevoked: boolean;
  /** The document as a JSON value. */
  readonly document: JsonObject;
}

export interface Validation {
  /** Of a document without errors. */
  readonly playbook: PlaybookFacts | undefined;
  /** Errors first; at most {@link MAX_PROBLEMS}. */
  readonly problems: readonly Problem[];
}

/**
 * Judges a playbook's JSON text. Never throws; takes time in proportion to the text.
 *
 * @see https://docs.oasis-open.org/cacao/security-playbooks/v2.0/security-playbooks-v2.0.html
 */
export function validatePlaybook(text: string): Validation {
  const report = new Report();
  const document = readText(text, report);
  if (document === undefined) return { playbook: undefined, problems: report.problems };
  playbookShape(document, '', report);
  if (!isObject(document)) return { playbook: undefined, problems: report.problems };
  if (!isTooLong(report)) {
    const steps = checkFlow(document, report);
    checkDefinitions(document, steps, report);
    checkVariables(document, steps, report);
  }
  checkTimes(document, report);
  return { playbook: report.hasErrors ? undefined : factsOf(document), problems: report.problems };
}

/** The rest would walk steps that the bound has just refused. */
function isTooLong(report: Report): boolean {
  return report.problems.some(({ code }) => code === 'TOO_MANY_STEPS');
}

/** Section 3.1; tools get these wrong, and nothing depends on it. */
function checkTimes(playbook: JsonObject, report: Report): void {
  const isBefore = (early: string, late: string): boolean => {
    const [from, to] = [timeOf(memberOf(playbook, early)), timeOf(memberOf(playbook, late))];
    return from === undefined || to === undefined || from <= to;
  };
  if (!isBefore('created', 'modified'))
    report.add('TIMES_OUT_OF_ORDER', '/modified', 'The playbook was modified before it was created');
  if (!isBefore('valid_from', 'valid_until'))
    report.add('TIMES_OUT_OF_ORDER', '/valid_until', 'The playbook is at no time valid');
}

/** @param document - one that has passed. */
function factsOf(document: JsonObject): PlaybookFacts {
  const description = memberOf(document, 'description');
  return {
    id: String(document.id).toLowerCase(),
    name: String(document.name),
    description: typeof description === 'string' ? description : undefined,
    steps: Object.keys(document.workflow as object).length,
    isRevoked: memberOf(document, 'revoked') === true,
    document,
  };
}
