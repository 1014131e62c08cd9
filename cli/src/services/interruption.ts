import { AuroraError } from '@aurorasoc/kit/errors';

/** A start that a person ended: expected, and told as such. */
export function interruption(): AuroraError {
  return new AuroraError({ code: 'INTERRUPTED', publicMessage: 'The start was interrupted' });
}

/** @throws AuroraError `INTERRUPTED` when the signal has aborted. */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interruption();
}
