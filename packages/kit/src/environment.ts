/**
 * Reads a process' variables once, at start, and lists every problem at the same time.
 *
 * Only files called `environment.ts` touch `process.env`; everything else takes parsed values.
 */
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { AuroraError } from './errors.js';

export interface VariableDocumentation {
  readonly description: string;
  readonly example: string;
}

/** A variable's schema together with what the README's table and an error say about it. */
export function variable<S extends z.ZodType>(schema: S, documentation: VariableDocumentation): S {
  return schema.meta({ description: documentation.description, example: documentation.example }) as S;
}

const LAST_PORT = 65_535;
/** 0 takes a free one. */
export const port = (description: string, fallback: number) =>
  variable(portNumber(`must be ${PORT_NUMBER}`).default(fallback), { description, example: String(fallback) });

/** A port that can be left out: `off`. */
export const portOrOff = (description: string, fallback: number) =>
  variable(
    z
      .literal('off')
      .or(portNumber(`must be off, or ${PORT_NUMBER}`))
      .default(fallback),
    {
      description,
      example: String(fallback),
    },
  );

const PORT_NUMBER = `a whole number from 0 to ${LAST_PORT}`;

function portNumber(error: string) {
  const isPort = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= LAST_PORT;
  return z.coerce.number({ error }).refine(isPort, { error });
}

export const serviceUrl = (description: string, protocols: RegExp, example: string) =>
  variable(z.url({ protocol: protocols, error: `must be a URL like ${example}` }), { description, example });

export const redisUrl = serviceUrl('Redis that carries the streams', /^rediss?$/, 'redis://:password@127.0.0.1:6379');
export const mqttUrl = serviceUrl('MQTT v5 broker of the devices', /^mqtts?$/, 'mqtt://user:password@127.0.0.1:1883');
export const databaseUrl = serviceUrl(
  "PostgreSQL; a login in it is used by the migrations only, each process logs in by its own role's name",
  /^postgres(ql)?$/,
  'postgres://127.0.0.1:5432/aurora',
);
export const existingFile = (description: string, example: string) =>
  variable(
    z.string().refine((path) => existsSync(path), { error: 'names a file that does not exist' }),
    { description, example },
  );
export const secretFile = existingFile(
  'File with the installation secret, at least 32 bytes; signs cursors, derives database logins',
  '.aurora/keys/secret',
);

/**
 * Variables that every process understands.
 * `AURORA_SUPERVISED=1` ties the process to whoever holds its standard input: it ends when that pipe closes.
 */
export const commonVariables = {
  AURORA_MODE: variable(z.enum(['dummy', 'dry_run', 'real']).default('real'), {
    description:
      'How far actions are to reach: showcase, recorded only, or real; shown and recorded, and nothing else as long as there are no actions',
    example: 'real',
  }),
  AURORA_SITE: variable(
    z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, { error: 'must be a DNS label, like site-1' })
      .default('local'),
    { description: "This site's name, the authority in event sources", example: 'site-1' },
  ),
  AURORA_SUPERVISED: variable(z.enum(['0', '1']).default('0'), {
    description: 'End when standard input closes; set by `aurora up`',
    example: '1',
  }),
  LOG_LEVEL: variable(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'), {
    description: 'Least severe log line that is written',
    example: 'info',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable(z.url({ protocol: /^https?$/, error: 'must be an http(s) URL' }).optional(), {
    description: 'OTLP/HTTP collector for traces; unset: spans are made and propagated but not exported',
    example: 'http://127.0.0.1:4318',
  }),
} as const;

export type CommonEnvironment = z.output<z.ZodObject<typeof commonVariables>>;

/**
 * The parsed environment of one process.
 *
 * @param shape - one schema per variable; wrap each in {@link variable}.
 * @throws AuroraError `CONFIGURATION_INVALID`; its message has one line per bad variable: name, problem, example.
 */
export function parseEnvironment<T extends Readonly<Record<string, z.ZodType>>>(
  shape: T,
  source: Readonly<Record<string, string | undefined>> = process.env,
): z.output<z.ZodObject<T & typeof commonVariables>> {
  const all = { ...commonVariables, ...shape };
  // An empty variable is what `NAME= command` and compose files produce for "not set".
  const set = Object.fromEntries(Object.entries(source).filter(([name, value]) => name in all && value !== ''));
  const result = z.object(all).safeParse(set);
  if (result.success) return result.data as z.output<z.ZodObject<T & typeof commonVariables>>;
  const lines = result.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    const example = exampleOf((all as Readonly<Record<string, z.ZodType>>)[name]);
    const problem = name in set ? describeIssue(issue) : 'is not set';
    return `${name}: ${problem}${example === undefined ? '' : ` (example: ${name}=${example})`}`;
  });
  throw new AuroraError({ code: 'CONFIGURATION_INVALID', publicMessage: lines.join('\n') });
}

/** A variable as a person may look at it. */
export interface Setting {
  readonly name: string;
  /** What is in force; undefined where nothing is. Of URLs no login, query or fragment. */
  readonly value: string | undefined;
  readonly description: string;
  /** False: the value is the default. */
  readonly isSet: boolean;
}

/**
 * What {@link parseEnvironment} reads for this shape, by name; without secrets: these lie in files, and logins in URLs are
 * taken away.
 *
 * @param shape - of variables that were found to be right before.
 */
export function listSettings(
  shape: Readonly<Record<string, z.ZodType>>,
  source: Readonly<Record<string, string | undefined>> = process.env,
): readonly Setting[] {
  return Object.entries({ ...commonVariables, ...shape })
    .map(([name, schema]) => {
      const text = source[name] === '' ? undefined : source[name];
      const fallback = text === undefined ? schema.safeParse(undefined).data : undefined;
      const value = text ?? (isPlain(fallback) ? String(fallback) : undefined);
      return {
        name,
        value: value?.replaceAll(URL_IN_TEXT, withoutSecrets),
        description: documentationOf(schema)?.description ?? '',
        isSet: text !== undefined,
      };
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1));
}

const URL_IN_TEXT = /[a-z][a-z0-9+.-]*:\/\/[^\s,]+/gi;

function withoutSecrets(text: string): string {
  const [url] = text.split(/[?#]/, 1);
  return (url ?? '').replace(/^([^/]+\/\/)[^/]*@/, '$1');
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

/** The library's own words for text where a number belongs speak of types that nobody who sets a variable has chosen. */
function describeIssue(issue: z.core.$ZodIssue): string {
  const isNoNumber = issue.code === 'invalid_type' && issue.expected === 'number' && issue.message.includes('NaN');
  return isNoNumber ? 'must be a number' : issue.message;
}

/** The example of a variable, also where `.optional()` or `.default()` was called on it: they wrap the schema that knows it. */
function exampleOf(schema: z.ZodType | undefined): unknown {
  return documentationOf(schema)?.example;
}

function documentationOf(schema: z.ZodType | undefined): Partial<VariableDocumentation> | undefined {
  if (schema === undefined) return undefined;
  const documentation = schema.meta();
  if (documentation?.example !== undefined) return documentation as Partial<VariableDocumentation>;
  return schema instanceof z.ZodOptional || schema instanceof z.ZodDefault
    ? documentationOf(schema.unwrap() as z.ZodType)
    : undefined;
}

/** The installation secret. @throws AuroraError `CONFIGURATION_INVALID` when it is shorter than 32 bytes. */
export function readSecret(path: string): Buffer {
  const secret = readFileSync(path);
  if (secret.byteLength < 32) {
    throw new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage: `AURORA_SECRET_FILE: ${path} holds ${secret.byteLength} bytes, at least 32 are needed (make one: openssl rand 32 > ${path})`,
    });
  }
  return secret;
}
