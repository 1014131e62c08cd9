import { createRequire } from 'node:module';
import type { MappingSpec } from './mapping-spec.types.js';
import { parseMappingSpec } from './parse-mapping-spec.js';

/** Order matters twice: sources are tried from first to last, and so are the refinements of one source. */
const FILES = ['windows', 'windows-sysmon', 'windows-security', 'windows-defender', 'ecs'] as const;

const require = createRequire(import.meta.url);

/** The specs that come with the package. */
export const BUNDLED_SPECS: readonly MappingSpec[] = FILES.map(readBundledSpec);

/** For objects that no source recognises. */
export const FALLBACK_SPEC: MappingSpec = readBundledSpec('json');

function readBundledSpec(file: string): MappingSpec {
  return parseMappingSpec(require(`../../mappings/${file}.json`));
}
