/** Building and reading the parts of A2A messages that carry our data. */
import { type Message, type Part, Role, type StreamResponse, TaskState } from '@a2a-js/sdk';
import { newId } from '@aurorasoc/kit/ids';
import { RESULT_ARTIFACT } from './contract.js';
import { toStorable } from './storable.js';

export function dataPart(value: unknown): Part {
  return { content: { $case: 'data', value }, metadata: undefined, filename: '', mediaType: 'application/json' };
}

export interface MessagePlace {
  readonly taskId?: string;
  readonly contextId?: string;
  /** @default a new one */
  readonly messageId?: string;
}

export function dataMessage(role: Role, value: unknown, place: MessagePlace = {}): Message {
  return {
    messageId: place.messageId ?? newId(),
    contextId: place.contextId ?? '',
    taskId: place.taskId ?? '',
    role,
    parts: [dataPart(value)],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  };
}

/** The first data part; undefined where the other side sent something else. */
export function readData(parts: readonly Part[] | undefined): unknown {
  const content = parts?.find((part) => part.content?.$case === 'data')?.content;
  return content?.$case === 'data' ? content.value : undefined;
}

/** What one item of a task's stream means to the worker. Its data is going to be stored, and is storable: see {@link toStorable}. */
export type AgentSignal =
  | { readonly kind: 'step'; readonly data: unknown }
  | { readonly kind: 'result'; readonly data: unknown }
  | { readonly kind: 'completed' }
  | { readonly kind: 'failed'; readonly data: unknown }
  | { readonly kind: 'other' };

const FAILED_STATES: readonly TaskState[] = [
  TaskState.TASK_STATE_FAILED,
  TaskState.TASK_STATE_REJECTED,
  TaskState.TASK_STATE_CANCELED,
];

export function readSignal({ payload }: StreamResponse): AgentSignal {
  if (payload?.$case === 'artifactUpdate') {
    const { artifact } = payload.value;
    return artifact?.name === RESULT_ARTIFACT
      ? { kind: 'result', data: readStorable(artifact.parts) }
      : { kind: 'other' };
  }
  if (payload?.$case !== 'statusUpdate') return { kind: 'other' };
  const { status } = payload.value;
  if (status?.state === TaskState.TASK_STATE_COMPLETED) return { kind: 'completed' };
  if (status && FAILED_STATES.includes(status.state))
    return { kind: 'failed', data: readStorable(status.message?.parts) };
  if (status?.state === TaskState.TASK_STATE_WORKING && status.message)
    return { kind: 'step', data: readStorable(status.message.parts) };
  return { kind: 'other' };
}

function readStorable(parts: readonly Part[] | undefined): unknown {
  return toStorable(readData(parts));
}

export { Role };
