/** `aurora send`: files, or standard input, to ingest, as one trace. */
import { createReadStream } from 'node:fs';
import { resolve } from 'node:path';
import { parseEnvironment } from '@aurorasoc/kit/environment';
import { AuroraError } from '@aurorasoc/kit/errors';
import { inSpan, SpanKind, startTelemetry } from '@aurorasoc/kit/telemetry';
import { callerFolder } from '../environment.js';
import { type PostEventsOptions, postEvents } from '../sending/post-events.js';
import { type EventFormat, readBodies } from '../sending/read-bodies.js';
import { hasErrorCode } from '../services/service-error.js';
import { escapeControls } from '../terminal/escape-controls.js';
import { chooseConnection, type SiteTarget } from './profile.js';
import { retryAloud, type WaitOption } from './retrying.js';

export interface SendOptions extends SiteTarget, WaitOption {
  readonly format: EventFormat;
  readonly json?: boolean;
}

const STANDARD_INPUT = '-';
const SHOWN_BATCHES = 5;

interface Sent {
  accepted: number;
  readonly batches: string[];
}

/** @throws AuroraError as `postEvents` does; how much was accepted until then is told before. */
export async function send(files: readonly string[], options: SendOptions): Promise<void> {
  const { url: ingestUrl, token } = chooseConnection(options, 'ingest');
  const target: PostEventsOptions = { ingestUrl, token, ...retryAloud(options) };
  const telemetry = startTelemetry('aurora-cli', parseEnvironment({}).OTEL_EXPORTER_OTLP_ENDPOINT);
  const sent: Sent = { accepted: 0, batches: [] };
  try {
    await inSpan('aurora send', { kind: SpanKind.CLIENT, root: true }, async (span) => {
      const { traceId } = span.spanContext();
      let isWhole = false;
      try {
        for (const file of files) await sendFile(file, options.format, target, sent);
        isWhole = true;
      } finally {
        span.setAttribute('aurora.ingest.events', sent.accepted);
        if (sent.accepted > 0 || (isWhole && options.json)) report(sent, traceId, options.json === true);
      }
    });
  } finally {
    await telemetry.shutdown();
  }
}

async function sendFile(file: string, format: EventFormat, options: PostEventsOptions, sent: Sent): Promise<void> {
  const chunks: AsyncIterable<Buffer> =
    file === STANDARD_INPUT ? process.stdin : createReadStream(resolve(callerFolder(), file));
  let isEmpty = true;
  try {
    for await (const body of readBodies(chunks, formatFor(file, format), file)) {
      isEmpty = false;
      const { accepted, batches } = await postEvents(body, options);
      sent.accepted += accepted;
      sent.batches.push(...batches);
    }
  } catch (cause) {
    if (!hasErrorCode(cause, 'ENOENT', 'EACCES', 'EISDIR')) throw cause;
    const publicMessage = `${file} cannot be read (${(cause as NodeJS.ErrnoException).code})`;
    throw new AuroraError({ code: 'BAD_USER_INPUT', field: 'FILE', publicMessage, cause });
  }
  // Not a failure: a log that was rotated a moment ago is as empty as it should be.
  if (isEmpty) console.error(`aurora: ${nameOf(file)} holds no events; nothing was sent`);
}

function nameOf(file: string): string {
  return file === STANDARD_INPUT ? 'standard input' : escapeControls(file);
}

/** Names that promise one event per line are believed, so that a damaged first line does not hide the others. */
function formatFor(file: string, format: EventFormat): EventFormat {
  return format === 'auto' && /\.(ndjson|jsonl)(\.gz)?$/i.test(file) ? 'lines' : format;
}

function report({ accepted, batches }: Sent, traceId: string, isJson: boolean): void {
  const more = batches.length - SHOWN_BATCHES;
  const lines = isJson
    ? [JSON.stringify({ accepted, batches, traceId })]
    : [
        `Accepted ${accepted} event${accepted === 1 ? '' : 's'} (trace ${traceId})`,
        ...batches.slice(0, SHOWN_BATCHES).map((batch) => `  batch ${batch}`),
        ...(more > 0 ? [`  and ${more} more`] : []),
      ];
  for (const line of lines) console.log(line);
}
