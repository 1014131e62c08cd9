/**
 * Cursors of live fields: a place in a domain's event order that survives restarts of everything, Redis included.
 *
 * 48 lower-case hexadecimal digits: 16 of the epoch, 16 of the position, 16 of a tag. Text of one epoch compares as the
 * positions compare, which the gateway needs and everybody sees (docs/decisions/0008); the tag (HMAC-SHA-256 by the installation
 * secret, shortened) refuses cursors that nobody handed out.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { AuroraError } from '../errors.js';

export interface CursorPlace {
  readonly epoch: string;
  readonly position: number;
}

const CURSOR = /^[0-9a-f]{48}$/;
const EPOCH_DIGITS = 16;
const PLACE_DIGITS = 32;

export class CursorCodec {
  readonly #key: Buffer;

  constructor(secret: Buffer, domain: string) {
    this.#key = Buffer.from(hkdfSync('sha256', secret, 'aurorasoc live cursor', domain, 32));
  }

  encode({ epoch, position }: CursorPlace): string {
    const place = epoch + position.toString(16).padStart(16, '0');
    return place + this.#tag(place);
  }

  /** @throws AuroraError `BAD_CURSOR` for text that this installation did not make. */
  decode(cursor: string, field: string): CursorPlace {
    const place = cursor.slice(0, PLACE_DIGITS);
    if (
      !CURSOR.test(cursor) ||
      !timingSafeEqual(Buffer.from(cursor.slice(PLACE_DIGITS)), Buffer.from(this.#tag(place)))
    ) {
      throw new AuroraError({
        code: 'BAD_CURSOR',
        field,
        publicMessage: 'This cursor was not issued here; leave it out to start from now',
      });
    }
    return { epoch: place.slice(0, 16), position: Number.parseInt(place.slice(16), 16) };
  }

  #tag(place: string): string {
    return createHmac('sha256', this.#key).update(place).digest('hex').slice(0, 16);
  }
}

/** Orders two cursors of one epoch by position; cursors of different epochs have no order that means anything. */
export function compareCursors(a: string, b: string): number {
  const [left, right] = [a.slice(0, PLACE_DIGITS), b.slice(0, PLACE_DIGITS)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Positions of one epoch have an order; those of different epochs (a restored database) have none. */
export function isSameEpoch(a: string, b: string): boolean {
  return a.slice(0, EPOCH_DIGITS) === b.slice(0, EPOCH_DIGITS);
}

/** True for text that has the form of a cursor; whether it was ever handed out is its domain's to say. */
export function isCursor(text: string): boolean {
  return CURSOR.test(text);
}
