/** Bounds on what is read. A document beyond one of the first four is refused before anything else is said of it. */

/** UTF-8 bytes of a document. */
export const MAX_BYTES = 1_048_576;

/** Objects and arrays within each other. The deepest that the specification itself needs is a chain of countersignatures. */
export const MAX_DEPTH = 64;

/** Members and items of all objects and arrays: they are walked one by one while nothing else can run. */
export const MAX_VALUES = 60_000;

/** Steps of a workflow. */
export const MAX_STEPS = 1_000;

/** UTF-16 units of a playbook's name, which stands in lists and in every event about it. */
export const MAX_NAME = 1_000;

/** UTF-16 units of its description, which lists carry, too. */
export const MAX_DESCRIPTION = 20_000;

/** Problems that are told of one document; whoever wrote it cannot use more at a time. */
export const MAX_PROBLEMS = 200;
