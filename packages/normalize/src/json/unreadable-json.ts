import type { ReasonCode } from '../normalizer.types.js';

/** Thrown inside the package while a line is read, and turned into a raw event at its edge. */
export class UnreadableJson extends Error {
  override readonly name = 'UnreadableJson';

  /** @param offset - UTF-16 code units from the start of the document. */
  constructor(
    readonly code: ReasonCode,
    readonly offset: number,
    problem: string,
  ) {
    super(`${problem} at offset ${offset}`);
  }
}
