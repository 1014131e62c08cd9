/**
 * CACAO Security Playbooks 2.0 (OASIS): is this a playbook, and can it be run as it is written?
 *
 * `validatePlaybook` takes the JSON text and gives the playbook's facts and every problem with its place. No I/O.
 */
export { MAX_BYTES, MAX_DEPTH, MAX_DESCRIPTION, MAX_NAME, MAX_PROBLEMS, MAX_STEPS } from './limits.js';
export type { Problem, ProblemCode, ProblemKind, ProblemSeverity } from './problem.js';
export { type PlaybookFacts, type Validation, validatePlaybook } from './validate-playbook.js';
