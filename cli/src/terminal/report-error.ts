import { AuroraError, describeError } from '@aurorasoc/kit/errors';
import { escapeControls } from './escape-controls.js';

/** What a command's exit code means. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** One line for a person: code, field and what to do. Problems that come as a list stay one line. */
export function formatError(error: unknown): string {
  const code = error instanceof AuroraError ? error.code : 'UNEXPECTED';
  const field = error instanceof AuroraError && error.field !== undefined ? ` (${error.field})` : '';
  const text = error instanceof AuroraError ? error.publicMessage : describeError(error);
  const lines = text.split('\n').map((line) => escapeControls(line.trim()));
  return `aurora: ${code}${field}: ${lines.filter((line) => line !== '').join('; ')}`;
}

/** Says on standard error what went wrong and has the process end with the code for it. */
export function reportError(error: unknown): void {
  console.error(formatError(error));
  process.exitCode = isWrongUsage(error) ? EXIT.usage : EXIT.failed;
}

/** A value that an option does not take; what a site refuses names the field of its own door. */
function isWrongUsage(error: unknown): boolean {
  return error instanceof AuroraError && error.code === 'BAD_USER_INPUT' && error.field?.startsWith('--') === true;
}
