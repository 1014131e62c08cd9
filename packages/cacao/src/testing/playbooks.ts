/** Playbooks of our own, small and sound, for specs to break. */

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
export const idOf = (type: string, n: number): string => `${type}--${uuid(n)}`;

export type Mutable = { [key: string]: unknown };

/** Start, one action on a target, end. */
export function isolateHost(): Mutable {
  return {
    type: 'playbook',
    spec_version: 'cacao-2.0',
    id: idOf('playbook', 1),
    name: 'Isolate a host',
    created_by: idOf('identity', 1),
    created: '2026-01-01T08:00:00.000Z',
    modified: '2026-01-02T08:00:00.000Z',
    playbook_variables: { __host__: { type: 'string', external: true } },
    agent_definitions: { [idOf('individual', 1)]: { type: 'individual', name: 'Analyst on call' } },
    target_definitions: {
      [idOf('http-api', 1)]: { type: 'http-api', name: 'EDR', address: { url: ['https://edr.example/api'] } },
    },
    workflow_start: idOf('start', 1),
    workflow: {
      [idOf('start', 1)]: { type: 'start', on_completion: idOf('action', 1) },
      [idOf('action', 1)]: {
        type: 'action',
        name: 'Isolate',
        commands: [{ type: 'http-api', command: 'POST /hosts/__host__:value/isolate HTTP/1.1' }],
        agent: idOf('individual', 1),
        targets: [idOf('http-api', 1)],
        on_completion: idOf('end', 1),
      },
      [idOf('end', 1)]: { type: 'end' },
    },
  };
}

/** Every kind of step, command wise and otherwise; a loop that goes back to its condition. */
export function everyKindOfStep(): Mutable {
  const playbook = isolateHost();
  const action = (on_completion: string, command: object): object => ({
    type: 'action',
    commands: [command],
    agent: idOf('individual', 1),
    on_completion,
  });
  playbook.workflow = {
    [idOf('start', 1)]: { type: 'start', on_completion: idOf('parallel', 1) },
    [idOf('parallel', 1)]: {
      type: 'parallel',
      next_steps: [idOf('action', 1), idOf('playbook-action', 1)],
      on_completion: idOf('if-condition', 1),
    },
    [idOf('action', 1)]: action(idOf('end', 2), { type: 'manual', command: 'Call the owner of __host__:value' }),
    [idOf('playbook-action', 1)]: {
      type: 'playbook-action',
      playbook_id: idOf('playbook', 2),
      in_args: ['__host__'],
      on_success: idOf('end', 2),
      on_failure: idOf('end', 3),
    },
    [idOf('if-condition', 1)]: {
      type: 'if-condition',
      condition: "__host__:value != ''",
      on_true: idOf('while-condition', 1),
      on_false: idOf('end', 1),
    },
    [idOf('while-condition', 1)]: {
      type: 'while-condition',
      condition: "__state__:value = 'waiting'",
      step_variables: { __state__: { type: 'string', value: 'waiting' } },
      on_true: idOf('action', 2),
      on_completion: idOf('switch-condition', 1),
    },
    [idOf('action', 2)]: action(idOf('while-condition', 1), { type: 'bash', command_b64: 'bHM=' }),
    [idOf('switch-condition', 1)]: {
      type: 'switch-condition',
      switch: '__host__:value',
      cases: { 'WS-01': idOf('action', 3), default: idOf('end', 1) },
    },
    [idOf('action', 3)]: action(idOf('end', 1), { type: 'openc2-http', command: 'POST /openc2', content_b64: 'e30=' }),
    [idOf('end', 1)]: { type: 'end' },
    [idOf('end', 2)]: { type: 'end' },
    [idOf('end', 3)]: { type: 'end' },
  };
  return playbook;
}

/** The playbook with the member at the pointer set; undefined takes it away. */
export function withMember(playbook: Mutable, path: readonly (string | number)[], value: unknown): Mutable {
  const copy = structuredClone(playbook);
  const last = path.at(-1) ?? '';
  let holder: Mutable = copy;
  for (const key of path.slice(0, -1)) holder = holder[key] as Mutable;
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return copy;
}
