/** The last thing that a process said, for the one line that tells why it did not come up. */
import { z } from 'zod';

const lineSchema = z.object({ level: z.string(), msg: z.string(), error: z.string().optional() });
const SEVERE = new Set(['fatal', 'error', 'warn']);

/**
 * @param lines - end of a log, oldest first: JSON lines of our own, or plain text.
 * @returns the last severe entry if there is one, else the last line; undefined for an empty log.
 */
export function summarizeLog(lines: readonly string[]): string | undefined {
  const entries = lines.map(readEntry);
  const severe = entries.findLast((entry) => entry.isSevere);
  return (severe ?? entries.at(-1))?.text;
}

function readEntry(line: string): { isSevere: boolean; text: string } {
  const parsed = lineSchema.safeParse(parseJson(line));
  if (!parsed.success) return { isSevere: line.startsWith('aurora: '), text: line.trim() };
  const { level, msg, error } = parsed.data;
  // A list of bad variables has a line for each; a stack has only one that says something.
  const reason = error === undefined || /\n\s+at /.test(error) ? error?.split('\n')[0] : error.split('\n').join('; ');
  return { isSevere: SEVERE.has(level), text: reason === undefined ? msg : `${msg}: ${reason}` };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // plain text
  }
}
