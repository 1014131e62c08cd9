export type NormalizeErrorCode = 'INVALID_CONTEXT' | 'INVALID_SPEC' | 'UNKNOWN_PARENT_SPEC';

/** A mistake of the program or of a mapping spec's author. Bad log lines never throw: they become raw events. */
export class NormalizeError extends Error {
  override readonly name = 'NormalizeError';

  /**
   * @param field - where the mistake is, e.g. `windows.sysmon: fields[3].op[0]`.
   * @param remedy - what to do about it, one sentence.
   */
  constructor(
    readonly code: NormalizeErrorCode,
    readonly field: string,
    readonly remedy: string,
  ) {
    super(`${field}: ${remedy}`);
  }
}
