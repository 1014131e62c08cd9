import { isUtf8 } from 'node:buffer';
import { NormalizeError } from './errors.js';
import { JsonObject, type JsonValue } from './json/json-value.js';
import { JsonParser } from './json/parse-json.js';
import { UnreadableJson } from './json/unreadable-json.js';
import type { NormalizeContext, NormalizedEvent, Normalizer, ParsedEvent } from './normalizer.types.js';
import { compilePlan } from './plan/compile-plan.js';
import { compileSource, type SourceWriter } from './plan/compile-source.js';
import { createReceipt, type Receipt } from './plan/receipt.js';
import { createRawEvent } from './raw-event.js';
import { BUNDLED_SPECS, FALLBACK_SPEC } from './spec/bundled-specs.js';
import type { MappingSpec } from './spec/mapping-spec.types.js';

/** Longer lines are kept as raw events and not parsed. */
export const MAX_LINE_BYTES = 1024 * 1024;

/**
 * Compiles mapping specs into a normaliser. Sources are tried in the order given, then the bundled ones.
 *
 * @param specs - specs from `parseMappingSpec`; one may refine a bundled source by naming it in `extends`, and one with
 *   the id of a bundled spec replaces that.
 * @throws NormalizeError `INVALID_SPEC` or `UNKNOWN_PARENT_SPEC`.
 */
export function createNormalizer(specs: readonly MappingSpec[] = []): Normalizer {
  const sources = compileSources(withBundled(specs));
  const parser = new JsonParser();

  const parse = (text: string): JsonValue | UnreadableJson => {
    try {
      return parser.parse(text);
    } catch (error) {
      if (error instanceof UnreadableJson) return error;
      throw error;
    }
  };

  return {
    normalize: (line, context) => {
      if (!isUtf8(line)) return createInvalidUtf8Event(line, context);
      const text = decode(line);
      const receipt = createReceipt(line, text, context);
      if (line.byteLength > MAX_LINE_BYTES) {
        const message = `The line has ${line.byteLength} bytes, more than ${MAX_LINE_BYTES}`;
        return createRawEvent({ reason: 'TOO_LARGE', message }, receipt);
      }
      const document = parse(text);
      if (document instanceof UnreadableJson) {
        return createRawEvent({ reason: document.code, message: document.message }, receipt);
      }
      if (!(document instanceof JsonObject)) {
        return createRawEvent({ reason: 'NOT_AN_OBJECT', message: 'The line is JSON, but no object' }, receipt);
      }
      return writeEvent(sources, document, receipt);
    },
  };
}

function writeEvent(sources: readonly SourceWriter[], document: JsonObject, receipt: Receipt): ParsedEvent {
  for (const write of sources) {
    const event = write(document, receipt);
    if (event !== undefined) return { outcome: 'parsed', ...event };
  }
  return { outcome: 'parsed', specId: FALLBACK_PLAN.specId, json: FALLBACK_PLAN.write(document, receipt) };
}

/** Matches whatever no source recognises. */
const FALLBACK_PLAN = compilePlan(FALLBACK_SPEC, { id: 'object', match: [] });

/** `event.original` shows U+FFFD for the bytes that are no text; the exact bytes go beside it. */
function createInvalidUtf8Event(line: Uint8Array, context: NormalizeContext): NormalizedEvent {
  const receipt = createReceipt(line, decode(line), context);
  const message = 'The line is not valid UTF-8; aurora.original_base64 has its bytes';
  return createRawEvent({ reason: 'INVALID_UTF8', message, exactBytes: line }, receipt);
}

function decode(line: Uint8Array): string {
  return Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8');
}

function withBundled(specs: readonly MappingSpec[]): readonly MappingSpec[] {
  const ids = new Set(specs.map((spec) => spec.id));
  return [...specs, ...BUNDLED_SPECS.filter((spec) => !ids.has(spec.id))];
}

function compileSources(specs: readonly MappingSpec[]): SourceWriter[] {
  const sources = specs.filter((spec) => spec.extends === undefined);
  const orphan = specs.find((spec) => spec.extends !== undefined && !sources.some(({ id }) => id === spec.extends));
  if (orphan !== undefined) {
    const remedy = `names "${orphan.extends}", which is not a spec with shapes; give that spec, too`;
    throw new NormalizeError('UNKNOWN_PARENT_SPEC', `${orphan.id}.extends`, remedy);
  }
  return sources.map((source) =>
    compileSource(
      source,
      specs.filter((spec) => spec.extends === source.id),
    ),
  );
}
