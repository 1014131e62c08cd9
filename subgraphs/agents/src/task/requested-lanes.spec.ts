import type { StreamEntry } from '@aurorasoc/kit/streams';
import { expect, it } from 'vitest';
import { requestedLanes } from './requested-lanes.js';

const entry = (body: string): StreamEntry => ({ fields: new Map([['body', body]]) }) as unknown as StreamEntry;
const ofAgent = (agent: unknown): StreamEntry => entry(JSON.stringify({ data: { agent } }));

it.each([
  ['no entry', [], []],
  ['tasks of specialists', [ofAgent('endpoint'), ofAgent('endpoint')], ['specialist']],
  ['tasks of both', [ofAgent('endpoint'), ofAgent('orchestrator')], ['orchestrator', 'specialist']],
  ['an agent that is not known', [ofAgent('nobody')], ['orchestrator', 'specialist']],
  ['what is no event', [ofAgent('endpoint'), entry('{')], ['orchestrator', 'specialist']],
  ['an event without its data', [entry('null')], ['orchestrator', 'specialist']],
])('%s: the lanes that may have work', (_, entries, lanes) => {
  expect(requestedLanes(entries)).toEqual(lanes);
});
