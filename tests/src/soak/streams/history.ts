/**
 * What the clients of a run and its outside target saw, one JSON line each, in files that the system under test does not know.
 * The checkers read these and nothing else.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** Times are milliseconds since 1970 with fractions, by the machine's one clock. */
export type Seen =
  /** The client's transaction with the alert committed. */
  | { readonly kind: 'opened'; readonly alert: string; readonly at: number }
  /** An order reached the outside agent. */
  | {
      readonly kind: 'ordered';
      readonly alert: string;
      readonly message: string;
      readonly fence: number;
      readonly at: number;
    }
  /** The outside agent made the effect of an order. */
  | {
      readonly kind: 'effect';
      readonly alert: string;
      readonly message: string;
      readonly fence: number;
      readonly at: number;
    }
  /** The end of an alert's investigation was on the stream. */
  | {
      readonly kind: 'outcome';
      readonly alert: string;
      readonly status: string;
      readonly position: number;
      readonly at: number;
    };

/** Milliseconds since 1970, finer than `Date.now()`. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

export class History {
  constructor(readonly file: string) {}

  /** Written when it returns: whoever is killed next has told what came before. */
  record(seen: Seen | readonly Seen[]): void {
    const lines = [seen].flat().map((line) => `${JSON.stringify(line)}\n`);
    if (lines.length > 0) appendFileSync(this.file, lines.join(''));
  }

  read(): Seen[] {
    if (!existsSync(this.file)) return [];
    return readFileSync(this.file, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Seen);
  }
}
