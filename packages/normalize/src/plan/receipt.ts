/** What every event carries whatever its source is, and no spec may set. */
import { hash } from 'node:crypto';
import { NormalizeError } from '../errors.js';
import { type JsonText, quote } from '../json/json-value.js';
import type { NormalizeContext } from '../normalizer.types.js';
import { timestamp } from '../operators/timestamp.js';
import type { OutputTree } from './output-tree.js';

/** The version of the Elastic Common Schema that `mappings/ecs-fields.json` was derived from. */
export const ECS_VERSION = '9.5.0-dev';

/** One line's identity, arrival and text, as JSON tokens. */
export interface Receipt {
  readonly eventId: JsonText;
  readonly ingested: JsonText;
  readonly original: JsonText;
  readonly sha256: JsonText;
}

const TARGETS = ['event.id', 'event.ingested', 'event.original', 'event.hash'] as const;
const CONSTANT_TARGETS = ['ecs.version', 'aurora.spec.id', 'aurora.spec.sha256'] as const;

/** Also true for a parent or a child of such a field, as both cannot be in one document. */
export function isReservedTarget(path: string): boolean {
  return [...TARGETS, ...CONSTANT_TARGETS].some(
    (target) => path === target || path.startsWith(`${target}.`) || target.startsWith(`${path}.`),
  );
}

/**
 * @param line - the bytes as received; their SHA-256 becomes `event.hash`.
 * @param text - the same as text.
 * @throws NormalizeError `INVALID_CONTEXT`.
 */
export function createReceipt(line: Uint8Array, text: string, context: NormalizeContext): Receipt {
  if (context.eventId === '' || !context.eventId.isWellFormed()) {
    throw new NormalizeError('INVALID_CONTEXT', 'eventId', 'must be text that is not empty; give the event a key');
  }
  const ingested = timestamp(context.ingested);
  if (ingested === undefined) {
    throw new NormalizeError(
      'INVALID_CONTEXT',
      'ingested',
      'must be a time in RFC 3339, e.g. 2026-01-02T03:04:05.678Z',
    );
  }
  return {
    eventId: quote(context.eventId),
    ingested: quote(ingested),
    original: quote(text),
    sha256: `"${hash('sha256', line, 'hex')}"`,
  };
}

/** Reserves the receipt's places in an output tree; the function it returns fills them. */
export function placeReceipt(output: OutputTree): (receipt: Receipt, cells: JsonText[]) => void {
  const [id, ingested, original, sha256] = TARGETS.map((target) => output.slotFor(target)) as [
    number,
    number,
    number,
    number,
  ];
  const time = output.slotFor('@timestamp');
  return (receipt, cells) => {
    cells[id] = receipt.eventId;
    cells[ingested] = receipt.ingested;
    cells[original] = receipt.original;
    cells[sha256] = receipt.sha256;
    // The source's own time, if it has one, replaces it.
    cells[time] = receipt.ingested;
  };
}
