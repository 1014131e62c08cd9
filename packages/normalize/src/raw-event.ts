/** Lines that cannot be read become events too: nothing that arrived is dropped. */
import { type JsonText, quote } from './json/json-value.js';
import type { RawEvent, ReasonCode } from './normalizer.types.js';
import { OutputTree } from './plan/output-tree.js';
import { ECS_VERSION, placeReceipt, type Receipt } from './plan/receipt.js';

const output = new OutputTree();
const fillReceipt = placeReceipt(output);
const CELLS = {
  code: output.slotFor('error.code'),
  message: output.slotFor('error.message'),
  base64: output.slotFor('aurora.original_base64'),
  kind: output.slotFor('event.kind'),
  ecsVersion: output.slotFor('ecs.version'),
};

export interface RawEventInput {
  readonly reason: ReasonCode;
  /** What is wrong, and where if that is known; never contains the line. */
  readonly message: string;
  /** The bytes as received, if `event.original` cannot carry them exactly. */
  readonly exactBytes?: Uint8Array;
}

export function createRawEvent({ reason, message, exactBytes }: RawEventInput, receipt: Receipt): RawEvent {
  const cells = new Array<JsonText>(output.slots).fill('');
  fillReceipt(receipt, cells);
  cells[CELLS.code] = quote(reason);
  cells[CELLS.message] = quote(message);
  cells[CELLS.kind] = '"pipeline_error"';
  cells[CELLS.ecsVersion] = quote(ECS_VERSION);
  if (exactBytes !== undefined) cells[CELLS.base64] = quote(Buffer.from(exactBytes).toString('base64'));
  return { outcome: 'raw', json: output.write(cells), reason };
}
