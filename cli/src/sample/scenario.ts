/** A scenario: events with the pauses between them, one JSON object per line; cli/sample/README.md has the format. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AuroraError } from '@aurorasoc/kit/errors';
import { z } from 'zod';

/** The product's own scenario: an intrusion on a Windows workstation. */
export const SAMPLE_SCENARIO = fileURLToPath(new URL('../../sample/intrusion.ndjson', import.meta.url));

const stepSchema = z.strictObject({
  delayMs: z.number().min(0).max(3_600_000),
  event: z.record(z.string(), z.json()),
});
export type ScenarioStep = Readonly<z.output<typeof stepSchema>>;

/** @throws AuroraError `BAD_USER_INPUT` naming the file's line. */
export function readScenario(file: string): readonly ScenarioStep[] {
  return parseScenario(readFileSync(file, 'utf8'), file);
}

/** @param name - what errors call the text. */
export function parseScenario(text: string, name: string): readonly ScenarioStep[] {
  return text
    .split('\n')
    .flatMap((line, index) => (line.trim() === '' ? [] : [parseStep(line, `${name}:${index + 1}`)]));
}

function parseStep(line: string, place: string): ScenarioStep {
  try {
    return stepSchema.parse(JSON.parse(line));
  } catch (cause) {
    const problem = cause instanceof z.ZodError ? z.prettifyError(cause) : String(cause);
    throw new AuroraError({
      code: 'BAD_USER_INPUT',
      field: place,
      publicMessage: `This line is no step of a scenario: ${problem}`,
      cause,
    });
  }
}

/**
 * The event as JSON with its placeholders filled, in any string of it:
 * `{{now}}` by the moment in RFC 3339, `{{utc}}` by the form of Sysmon's `UtcTime`, both in UTC with milliseconds, and
 * `{{play}}` by what tells this play from others.
 */
export function renderEvent({ event }: ScenarioStep, moment: Date, playId: string): string {
  const iso = moment.toISOString();
  // None of them holds a character that JSON would escape.
  return JSON.stringify(event)
    .replaceAll('{{now}}', iso)
    .replaceAll('{{utc}}', iso.replace('T', ' ').replace('Z', ''))
    .replaceAll('{{play}}', playId);
}

/** Four hexadecimal digits, so that they fit into a GUID as into a host name. */
export function makePlayId(): string {
  return randomBytes(2).toString('hex').toUpperCase();
}
