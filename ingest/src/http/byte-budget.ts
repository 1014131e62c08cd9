/** A count of bytes that all requests in progress share, so that many at once cannot exhaust the process' memory. */
import { AuroraError } from '@aurorasoc/kit/errors';

const RETRY_AFTER_SECONDS = 1;

export class ByteBudget {
  #used = 0;

  constructor(private readonly maxBytes: number) {}

  /** One request's share, empty at first. */
  open(): ByteShare {
    let held = 0;
    return {
      take: (bytes) => {
        if (this.#used + bytes > this.maxBytes) {
          throw new AuroraError({
            code: 'SERVICE_UNAVAILABLE',
            publicMessage: 'Too many bytes are being received at once; try again shortly',
            retryAfterSeconds: RETRY_AFTER_SECONDS,
          });
        }
        held += bytes;
        this.#used += bytes;
      },
      release: () => {
        this.#used -= held;
        held = 0;
      },
    };
  }
}

export interface ByteShare {
  /** @throws AuroraError `SERVICE_UNAVAILABLE` when all shares together would exceed the budget. */
  take(bytes: number): void;
  /** Gives everything back. */
  release(): void;
}
