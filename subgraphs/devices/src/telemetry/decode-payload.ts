/**
 * A telemetry message as devices send it: CBOR (RFC 8949) map {"seq": uint, "ts": uint milliseconds since the Unix epoch,
 * "metrics": map of text to number, text or boolean}. Devices are not trusted: size, depth and counts are bounded while
 * reading, and what is not exactly this is refused.
 */
import { createHash } from 'node:crypto';
import { findUnstorable } from '@aurorasoc/kit/graphql';
import { decode, Token, Tokenizer, Type } from 'cborg';

export type MetricValue = number | string | boolean;

export interface Measurement {
  /** Counted by the device, never falling; below 2^53. */
  readonly sequence: number;
  /** By the device's clock. */
  readonly measuredAt: Date;
  readonly metrics: ReadonlyMap<string, MetricValue>;
}

export type Decoded = { readonly measurement: Measurement } | { readonly reason: DecodingProblem };
export type DecodingProblem = 'UNDECODABLE' | 'TOO_LARGE';

const MAX_BYTES = 65_536;
const MAX_METRICS = 64;
const MAX_NAME = 64;
const MAX_TEXT = 1_024;
/** The message and its metrics; neither holds another. */
const MAX_MAPS = 2;
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

export function decodePayload(payload: Uint8Array): Decoded {
  if (payload.length > MAX_BYTES) return { reason: 'TOO_LARGE' };
  const measurement = readMeasurement(decodeBounded(payload));
  return measurement === undefined ? { reason: 'UNDECODABLE' } : { measurement };
}

/** By which two messages of one sequence number are known to be the same: SHA-256, hexadecimal. */
export function digestOf(payload: Uint8Array): string {
  return createHash('sha256').update(payload).digest('hex');
}

function decodeBounded(payload: Uint8Array): unknown {
  try {
    return decode(payload, {
      ...STRICT,
      tokenizer: new FlatTokenizer(payload, STRICT),
    });
  } catch {
    // Whatever is wrong with it, the message is kept as it came and marked.
    return undefined;
  }
}

const STRICT = {
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  useMaps: true,
  rejectDuplicateMapKeys: true,
} as const;

/** Gives up at the first token that deepens the message or makes it wide, before anything is built from it. */
class FlatTokenizer extends Tokenizer {
  #maps = 0;

  override next(): Token {
    const token = super.next();
    if (Type.equals(token.type, Type.map)) {
      this.#maps += 1;
      if (this.#maps > MAX_MAPS || token.value > MAX_METRICS) throw new RangeError('More maps or metrics than allowed');
    } else if (Type.equals(token.type, Type.array) || Type.equals(token.type, Type.tag))
      throw new RangeError('Neither arrays nor tags are allowed');
    return token;
  }
}

function readMeasurement(message: unknown): Measurement | undefined {
  if (!(message instanceof Map) || message.size !== 3) return undefined;
  const [sequence, ms, metrics] = [message.get('seq'), message.get('ts'), message.get('metrics')];
  if (!isUnsigned(sequence) || !isUnsigned(ms) || ms > LAST_MS || !areMetrics(metrics)) return undefined;
  return { sequence, measuredAt: new Date(ms), metrics };
}

function isUnsigned(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function areMetrics(metrics: unknown): metrics is Map<string, MetricValue> {
  return (
    metrics instanceof Map &&
    metrics.size > 0 &&
    [...metrics].every(([name, value]) => isText(name, MAX_NAME) && name !== '' && isMetricValue(value))
  );
}

function isMetricValue(value: unknown): value is MetricValue {
  return typeof value === 'number' || typeof value === 'boolean' || isText(value, MAX_TEXT);
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length <= maxLength && findUnstorable(value) < 0;
}
