/** docker-compose.yml and Dockerfile as the tests read them; Docker itself is not needed. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));

/** In Compose's long form. */
export interface ComposeMount {
  readonly type: string;
  readonly source: string;
  readonly target: string;
  readonly read_only?: boolean;
  readonly volume?: { readonly subpath?: string; readonly nocopy?: boolean };
}

export interface ComposeService {
  readonly image: string;
  readonly build?: string;
  readonly user?: string;
  readonly profiles?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>> | readonly string[];
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly (string | ComposeMount)[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly deploy?: { readonly replicas: string };
}

export type Variables = Readonly<Record<string, string>>;

const REFERENCE = /\$(?:\$|\{(?<name>\w+)(?:(?<operator>:\?|:-)(?<text>[^}]*))?\})/g;

/** A text of the repository. @param path - from its root. */
export function readRepositoryFile(path: string): string {
  return readFileSync(`${REPOSITORY}${path}`, 'utf8');
}

/** The names of all variables that a text refers to, as Compose reads it. */
export function referencesIn(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(REFERENCE)].flatMap(({ groups }) => groups?.name ?? []));
}

/** @throws Error naming a variable that has to be set and is not. */
function interpolate(text: string, variables: Variables): string {
  return text.replaceAll(REFERENCE, (...match) => {
    const { name, operator, text: rest } = match.at(-1) as Record<'name' | 'operator' | 'text', string | undefined>;
    if (name === undefined) return '$';
    const value = variables[name];
    if (value) return value;
    if (operator === ':?') throw new Error(`${name} ${rest}`);
    return rest ?? '';
  });
}

/**
 * The services by name, anchors and merge keys resolved, and variables put in.
 * @throws Error naming a variable that has to be set and is not.
 */
export function readServices(variables: Variables): Readonly<Record<string, ComposeService>> {
  return interpolateDeep(readRawServices(), variables) as Record<string, ComposeService>;
}

/** The services with their variables as they are written. */
export function readRawServices(): Readonly<Record<string, ComposeService>> {
  const { services } = parse(readRepositoryFile('docker-compose.yml'), { merge: true, maxAliasCount: -1 }) as {
    services: Record<string, ComposeService>;
  };
  return services;
}

function interpolateDeep(value: unknown, variables: Variables): unknown {
  if (typeof value === 'string') return interpolate(value, variables);
  if (Array.isArray(value)) return value.map((item) => interpolateDeep(item, variables));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, interpolateDeep(item, variables)]));
}

/** What a container gets from the file; variables that are handed on without a value are left out. */
export function environmentOf({ environment = {} }: ComposeService): Variables {
  return Array.isArray(environment) ? {} : (environment as Variables);
}

/** Of the Dockerfile's last stage. @returns instruction and rest, one a line. */
export function readImageInstructions(): readonly (readonly [string, string])[] {
  const lines = readRepositoryFile('Dockerfile')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => {
      const { instruction, rest } = /^(?<instruction>[A-Z]+)\s+(?<rest>.*)$/.exec(line)?.groups ?? {};
      return instruction === undefined || rest === undefined ? [] : [[instruction, rest.trim()] as const];
    });
  return lines.slice(lines.findLastIndex(([instruction]) => instruction === 'FROM'));
}

/** The variables that every container of the image has. */
export function imageEnvironment(): Variables {
  const pairs = readImageInstructions().flatMap(([instruction, rest]) =>
    instruction === 'ENV' ? rest.split(/\s+/) : [],
  );
  return Object.fromEntries(pairs.map((pair) => pair.split('=', 2) as [string, string]));
}
