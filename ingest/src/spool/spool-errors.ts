/** Failures of the spool as clients and logs meet them. */
import { AuroraError } from '@aurorasoc/kit/errors';

const RETRY_AFTER_SECONDS = 5;
/** The file system has no room, for anybody or for this user. */
const FULL_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export function spoolFull(cause?: unknown): AuroraError {
  return new AuroraError({
    code: 'STORAGE_FULL',
    publicMessage: 'The spool is full; nothing of the request was stored. Send it again later',
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause,
  });
}

/** What a failed append becomes for the client: it may send the request again, later. */
export function appendFailed(cause: unknown): AuroraError {
  if (cause instanceof AuroraError) return cause;
  if (FULL_CODES.has((cause as NodeJS.ErrnoException).code ?? '')) return spoolFull(cause);
  return new AuroraError({
    code: 'SERVICE_UNAVAILABLE',
    publicMessage: 'The spool cannot be written; nothing of the request was stored. Send it again later',
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    cause,
  });
}

/** A record that was sound when it was written no longer is: the disk changed it. */
export class RecordDamagedError extends AuroraError {
  constructor(batchId: string, path: string) {
    super({
      code: 'RECORD_DAMAGED',
      publicMessage: 'A spooled batch can no longer be read',
      context: { batchId, path },
    });
  }
}
