/** What is wrong with a playbook, and where. */
import { MAX_PROBLEMS } from './limits.js';

/** Of an error no run can be trusted; a warning departs from the specification, or is likely a mistake, and can be run. */
export type ProblemSeverity = 'ERROR' | 'WARNING';

/** Whether the object at that place is wrong by itself, or what the playbook says as a whole. */
export type ProblemKind = 'SCHEMA' | 'SEMANTIC';

const CODES = {
  // The text.
  TOO_LARGE: ['ERROR', 'SCHEMA'],
  TOO_DEEP: ['ERROR', 'SCHEMA'],
  NOT_JSON: ['ERROR', 'SCHEMA'],
  UNSTORABLE_TEXT: ['ERROR', 'SCHEMA'],
  // Objects by themselves.
  WRONG_TYPE: ['ERROR', 'SCHEMA'],
  MISSING: ['ERROR', 'SCHEMA'],
  EMPTY: ['ERROR', 'SCHEMA'],
  OUT_OF_RANGE: ['ERROR', 'SCHEMA'],
  UNKNOWN_VALUE: ['ERROR', 'SCHEMA'],
  BAD_IDENTIFIER: ['ERROR', 'SCHEMA'],
  BAD_TIMESTAMP: ['ERROR', 'SCHEMA'],
  BAD_KEY: ['ERROR', 'SCHEMA'],
  BAD_ADDRESS: ['ERROR', 'SCHEMA'],
  BAD_BASE64: ['ERROR', 'SCHEMA'],
  BAD_EMAIL: ['ERROR', 'SCHEMA'],
  NOT_ALLOWED: ['ERROR', 'SCHEMA'],
  TOO_MANY_STEPS: ['ERROR', 'SCHEMA'],
  UNKNOWN_PROPERTY: ['WARNING', 'SCHEMA'],
  UNKNOWN_COMMAND: ['WARNING', 'SCHEMA'],
  KEY_OF_OTHER_TYPE: ['WARNING', 'SCHEMA'],
  // The playbook as a whole.
  EMPTY_WORKFLOW: ['ERROR', 'SEMANTIC'],
  DANGLING_STEP: ['ERROR', 'SEMANTIC'],
  NO_END: ['ERROR', 'SEMANTIC'],
  CYCLE: ['ERROR', 'SEMANTIC'],
  TWO_SUCCESSORS: ['ERROR', 'SEMANTIC'],
  CALLS_ITSELF: ['ERROR', 'SEMANTIC'],
  UNDEFINED_AGENT: ['ERROR', 'SEMANTIC'],
  UNDEFINED_TARGET: ['ERROR', 'SEMANTIC'],
  UNDEFINED_AUTHENTICATION: ['ERROR', 'SEMANTIC'],
  UNDEFINED_VARIABLE: ['ERROR', 'SEMANTIC'],
  NO_START: ['WARNING', 'SEMANTIC'],
  NO_ACTION: ['WARNING', 'SEMANTIC'],
  UNREACHABLE_STEP: ['WARNING', 'SEMANTIC'],
  DANGLING_EXCEPTION: ['WARNING', 'SEMANTIC'],
  UNDEFINED_MARKING: ['WARNING', 'SEMANTIC'],
  UNDEFINED_EXTENSION: ['WARNING', 'SEMANTIC'],
  UNDECLARED_VARIABLE: ['WARNING', 'SEMANTIC'],
  TIMES_OUT_OF_ORDER: ['WARNING', 'SEMANTIC'],
} as const satisfies Readonly<Record<string, readonly [ProblemSeverity, ProblemKind]>>;

export type ProblemCode = keyof typeof CODES;

export interface Problem {
  readonly severity: ProblemSeverity;
  readonly kind: ProblemKind;
  readonly code: ProblemCode;
  /** JSON Pointer (RFC 6901) into the document; what is missing is named as if it were there. `''` is the whole. */
  readonly pointer: string;
  /** For people, and without the document's own long texts. */
  readonly message: string;
}

/** Collects problems, errors before warnings where there is no room for all. */
export class Report {
  readonly #errors: Problem[] = [];
  readonly #warnings: Problem[] = [];

  add(code: ProblemCode, pointer: string, message: string): void {
    const [severity, kind] = CODES[code];
    const list = severity === 'ERROR' ? this.#errors : this.#warnings;
    if (list.length < MAX_PROBLEMS) list.push({ severity, kind, code, pointer, message });
  }

  get hasErrors(): boolean {
    return this.#errors.length > 0;
  }

  /** At most {@link MAX_PROBLEMS}, errors first, each kind in the order of finding. */
  get problems(): readonly Problem[] {
    return [...this.#errors, ...this.#warnings].slice(0, MAX_PROBLEMS);
  }
}

/** The pointer to a member. */
export function below(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

const MAX_QUOTED = 80;

/** A text of the document as messages show it. */
export function quote(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}
