/** How commands that send behave while ingest is away: they say so at once and give up soon. */
import type { PostEventsOptions } from '../sending/post-events.js';
import { escapeControls } from '../terminal/escape-controls.js';

export interface WaitOption {
  /** For how long a batch is tried again, seconds. @default 10 */
  readonly wait?: number | undefined;
}

/** Longer than a restart of ingest takes, short enough for a person who waits. */
export const DEFAULT_WAIT_SECONDS = 10;

export function retryAloud({
  wait = DEFAULT_WAIT_SECONDS,
}: WaitOption): Pick<PostEventsOptions, 'retryForMs' | 'onRetry'> {
  return {
    retryForMs: wait * 1000,
    onRetry: ({ publicMessage }) =>
      console.error(
        `aurora: ${escapeControls(publicMessage)}; trying again for up to ${wait} s (Ctrl-C ends it, --wait changes it)`,
      ),
  };
}
