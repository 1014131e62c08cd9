import type { JsonObject } from '../json/json-value.js';
import type { OperatorArgument } from '../operators/operator.types.js';

/** `[name, ...arguments]`, e.g. `["parse", "Payload"]`. */
export type PrepareStep = readonly [name: string, ...args: OperatorArgument[]];

/** Changes a document before it is read. Total: where the document is not as expected, it is returned as it is. */
export type Prepare = (document: JsonObject) => JsonObject;
