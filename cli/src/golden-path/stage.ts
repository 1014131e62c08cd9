/** One stage of a check: timed, bounded, and with a suspect when it fails. */
import { AuroraError, describeError } from '@aurorasoc/kit/errors';

export interface StageReport {
  readonly stage: string;
  readonly isOk: boolean;
  readonly durationMs: number;
  /** What was found; when it failed, why. */
  readonly detail: string;
  /** Processes that most likely made it fail. */
  readonly suspect?: string;
}

export class StageFailure extends Error {
  constructor(
    message: string,
    readonly suspect?: string,
  ) {
    super(message);
  }
}

export interface StageOptions {
  readonly stage: string;
  /** Who to look at when nothing more exact is known. */
  readonly suspect: string;
  /** Ends the stage, whatever its work is waiting for. */
  readonly signal: AbortSignal;
}

/** Runs `work`; it never throws, a failure is a report. @param work - returns what to tell about a success. */
export async function runStage(options: StageOptions, work: () => Promise<string>): Promise<StageReport> {
  const { stage, suspect, signal } = options;
  const startedAtMs = performance.now();
  const durationMs = (): number => Math.round(performance.now() - startedAtMs);
  try {
    const detail = await Promise.race([work(), whenAborted(signal)]);
    return { stage, isOk: true, durationMs: durationMs(), detail };
  } catch (error) {
    const exact = error instanceof StageFailure ? error.suspect : undefined;
    return { stage, isOk: false, durationMs: durationMs(), detail: describeError(error), suspect: exact ?? suspect };
  }
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void =>
      reject(new AuroraError({ code: 'DEADLINE_EXCEEDED', publicMessage: 'did not happen before the deadline' }));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
