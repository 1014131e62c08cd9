/** A batch of events as ingest puts it on the stream. */
import { PoisonMessageError } from '@aurorasoc/kit/errors';
import { isUuid, timestampOf } from '@aurorasoc/kit/ids';
import type { StreamEntry } from '@aurorasoc/kit/streams';
import type { EventDocument, IncomingEvent } from './event-store.js';

export interface EventBatch {
  readonly id: string;
  readonly tenant: string;
  readonly traceparent: string | undefined;
  readonly events: readonly IncomingEvent[];
}

/** Partitions of the ingest stream; each is a stream of its own. */
export function ingestStreams(partitions: number): string[] {
  return Array.from({ length: partitions }, (_, partition) => `aurora:ingest:events:${partition}`);
}

/** @throws PoisonMessageError when the entry is not a batch: ingest is of another version, or somebody else wrote it. */
export function readBatch(entry: StreamEntry): EventBatch {
  const body = entry.fields.get('body') ?? '';
  if (body === '' || !isUuid(entry.messageId))
    throw new PoisonMessageError('The entry is not a batch of events', { field: 'body' });
  return {
    id: entry.messageId,
    tenant: entry.tenant,
    traceparent: entry.fields.get('traceparent') || undefined,
    // Canonical JSON holds no line break, so each line is one document, kept byte for byte.
    events: body.split('\n').map(readEvent),
  };
}

function readEvent(text: string): IncomingEvent {
  const document = parseDocument(text);
  const id = (document?.event as EventDocument | undefined)?.id;
  if (document === undefined || typeof id !== 'string' || timestampOf(id) === undefined)
    throw new PoisonMessageError('An event of the batch has no id', { field: 'event.id' });
  return { id, text, document };
}

function parseDocument(text: string): EventDocument | undefined {
  try {
    return JSON.parse(text) as EventDocument;
  } catch {
    // Reported by the caller, together with documents that lack an id.
    return undefined;
  }
}
