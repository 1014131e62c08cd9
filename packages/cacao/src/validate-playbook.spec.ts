/** The always-run short form of `npm run conformance -- cacao`, on playbooks of our own. */
import { describe, expect, it } from 'vitest';
import { MAX_BYTES, MAX_PROBLEMS, MAX_STEPS, MAX_VALUES } from './limits.js';
import { everyKindOfStep, idOf, isolateHost, type Mutable, withMember } from './testing/playbooks.js';
import { type Validation, validatePlaybook } from './validate-playbook.js';

const validate = (playbook: Mutable): Validation => validatePlaybook(JSON.stringify(playbook));
const found = ({ problems }: Validation): string[] => problems.map(({ code, pointer }) => `${code} ${pointer}`);

const ACTION = ['workflow', idOf('action', 1)] as const;
const COMMAND = [...ACTION, 'commands', 0] as const;

describe('a sound playbook', () => {
  it.each([
    ['of three steps', isolateHost()],
    ['of every kind of step', everyKindOfStep()],
  ])('%s has no error', (_name, playbook) => {
    const validation = validate(playbook);
    expect(validation.problems.filter(({ severity }) => severity === 'ERROR')).toEqual([]);
    expect(validation.playbook).toMatchObject({ id: idOf('playbook', 1), name: 'Isolate a host', isRevoked: false });
  });

  it('of three steps is not even warned of', () => {
    expect(found(validate(isolateHost()))).toEqual([]);
  });

  it('may have agents, targets and commands of types that nobody knows', () => {
    let playbook = withMember(isolateHost(), ['agent_definitions'], {
      [idOf('robot', 1)]: { type: 'robot', name: 'R', arms: 2 },
    });
    playbook = withMember(playbook, [...ACTION, 'agent'], idOf('robot', 1));
    playbook = withMember(playbook, [...COMMAND], { type: 'wave', arm: 1 });
    const validation = validate(playbook);
    expect(found(validation)).toEqual([`UNKNOWN_COMMAND /${COMMAND.join('/')}`]);
    expect(validation.playbook).toBeDefined();
  });

  it('may have extensions that it defines', () => {
    const extension = idOf('extension-definition', 1);
    let playbook = withMember(isolateHost(), [...ACTION, 'step_extensions'], { [extension]: { x: 1 } });
    expect(found(validate(playbook))).toEqual([
      `UNDEFINED_EXTENSION /${ACTION.join('/')}/step_extensions/${extension}`,
    ]);
    playbook = withMember(playbook, ['extension_definitions'], {
      [extension]: {
        type: 'extension-definition',
        name: 'Ours',
        created_by: idOf('identity', 1),
        schema: 'https://example.org/x',
        version: '1',
      },
    });
    expect(found(validate(playbook))).toEqual([]);
  });
});

describe('an object that is wrong by itself', () => {
  const signature = {
    type: 'jss',
    id: idOf('jss', 1),
    created: '2026-01-01T08:00:00Z',
    modified: '2026-01-01T08:00:00Z',
    signee: 'us',
    related_to: idOf('playbook', 1),
    related_version: '2026-01-01T08:00:00Z',
    hash_algorithm: 'sha-256',
    algorithm: 'ES256',
    value: 'AA',
  };
  const marking = (level: string) => ({
    [idOf('marking-tlp', 1)]: {
      type: 'marking-tlp',
      id: idOf('marking-tlp', 1),
      created_by: idOf('identity', 1),
      created: '2026-01-01T08:00:00Z',
      tlpv2_level: level,
    },
  });

  it.each<[readonly (string | number)[], unknown, string, string?]>([
    [['spec_version'], 'cacao-9.9', 'UNKNOWN_VALUE'],
    [['type'], 'recipe', 'UNKNOWN_VALUE'],
    [['id'], 'not-an-id', 'BAD_IDENTIFIER'],
    [['id'], idOf('action', 1), 'BAD_IDENTIFIER'],
    [['id'], undefined, 'MISSING'],
    [['name'], '  ', 'OUT_OF_RANGE'],
    [['name'], 7, 'WRONG_TYPE'],
    [['description'], 'x'.repeat(20_001), 'OUT_OF_RANGE'],
    [['created'], 'yesterday', 'BAD_TIMESTAMP'],
    [['created'], '2026-02-30T08:00:00Z', 'BAD_TIMESTAMP'],
    [['workflow_start'], undefined, 'MISSING'],
    [['workflow'], [], 'WRONG_TYPE'],
    [['severity'], 101, 'OUT_OF_RANGE'],
    [['labels'], [], 'EMPTY'],
    [['playbook_variables'], { host: { type: 'string' } }, 'BAD_KEY', '/playbook_variables/host'],
    [[...ACTION, 'type'], 'teleport', 'UNKNOWN_VALUE'],
    [[...ACTION, 'commands'], undefined, 'MISSING'],
    [[...ACTION, 'commands'], [], 'EMPTY'],
    [[...ACTION, 'agent'], undefined, 'MISSING'],
    [[...ACTION, 'delay'], 0.5, 'WRONG_TYPE'],
    [[...COMMAND, 'command'], undefined, 'MISSING'],
    [[...COMMAND], { type: 'manual' }, 'MISSING', `/${COMMAND.join('/')}/command`],
    [[...COMMAND], { type: 'yara', command_b64: '***' }, 'BAD_BASE64', `/${COMMAND.join('/')}/command_b64`],
    [['workflow', idOf('end', 1), 'on_completion'], idOf('start', 1), 'NOT_ALLOWED'],
    [['workflow', idOf('start', 1), 'on_failure'], idOf('end', 1), 'NOT_ALLOWED'],
    [['agent_definitions', idOf('individual', 1), 'name'], undefined, 'MISSING'],
    [
      ['agent_definitions', idOf('individual', 1), 'contact'],
      { email: { work: 'a@b.c;`x`' } },
      'BAD_EMAIL',
      `/agent_definitions/${idOf('individual', 1)}/contact/email/work`,
    ],
    [
      ['target_definitions', idOf('http-api', 1), 'address'],
      { ipv4: ['10.0.0.256'] },
      'BAD_ADDRESS',
      `/target_definitions/${idOf('http-api', 1)}/address/ipv4/0`,
    ],
    [
      ['target_definitions', idOf('http-api', 1), 'address'],
      { ipv6: ['fe80::1::2'] },
      'BAD_ADDRESS',
      `/target_definitions/${idOf('http-api', 1)}/address/ipv6/0`,
    ],
    [['target_definitions', idOf('http-api', 1), 'address'], undefined, 'MISSING'],
    [
      ['data_marking_definitions'],
      marking('TLP:BLUE'),
      'UNKNOWN_VALUE',
      `/data_marking_definitions/${idOf('marking-tlp', 1)}/tlpv2_level`,
    ],
    [['signatures'], [signature], 'MISSING', '/signatures/0/public_key'],
    [['signatures'], [{ ...signature, public_key: 'x', thumbprint: 'y' }], 'NOT_ALLOWED', '/signatures/0'],
  ])('at %j as %j is refused as %s', (path, value, code, pointer = `/${path.join('/')}`) => {
    const validation = validate(withMember(isolateHost(), path, value));
    expect(validation.playbook).toBeUndefined();
    expect(validation.problems.find((problem) => problem.code === code)).toMatchObject({ pointer, kind: 'SCHEMA' });
  });

  it('is refused for a key that contradicts the step, and passes for one that says nothing of it', () => {
    const renamed = (to: string): Mutable => {
      const playbook = JSON.parse(JSON.stringify(isolateHost()).replaceAll(idOf('end', 1), to)) as Mutable;
      return playbook;
    };
    expect(found(validate(renamed(idOf('parallel', 9))))).toEqual([`BAD_IDENTIFIER /workflow/${idOf('parallel', 9)}`]);
    expect(validate(renamed(idOf('step', 9))).playbook).toBeDefined();
  });

  it('keeps a property that nobody knows, and warns', () => {
    const validation = validate(withMember(isolateHost(), ['x~y/z'], 1));
    expect(found(validation)).toEqual(['UNKNOWN_PROPERTY /x~0y~1z']);
    expect(validation.playbook?.document).toHaveProperty('x~y/z', 1);
  });

  it('is told the same of members with names that objects inherit', () => {
    const text = JSON.stringify(isolateHost()).replace('"type":"playbook"', '"type":"playbook","__proto__":{"name":1}');
    expect(found(validatePlaybook(text))).toEqual(['UNKNOWN_PROPERTY /__proto__']);
    const type = validate(withMember(isolateHost(), [...ACTION, 'type'], 'constructor'));
    expect(found(type)).toContain(`UNKNOWN_VALUE /${ACTION.join('/')}/type`);
  });
});

describe('a playbook that is wrong as a whole', () => {
  const nowhere = idOf('action', 404);
  it.each<[string, readonly (string | number)[], unknown, string, string?]>([
    ['start', ['workflow_start'], idOf('start', 404), 'DANGLING_STEP'],
    ['successor', [...ACTION, 'on_completion'], nowhere, 'DANGLING_STEP'],
    ['agent', [...ACTION, 'agent'], idOf('ssh', 404), 'UNDEFINED_AGENT'],
    ['target', [...ACTION, 'targets'], [idOf('ssh', 404)], 'UNDEFINED_TARGET', `/${ACTION.join('/')}/targets/0`],
    ['variable', [...COMMAND, 'command'], 'GET /__nobody__:value', 'UNDEFINED_VARIABLE'],
    ['argument', [...ACTION, 'in_args'], ['__nobody__'], 'UNDEFINED_VARIABLE', `/${ACTION.join('/')}/in_args/0`],
    [
      'login',
      ['target_definitions', idOf('http-api', 1), 'authentication_info'],
      idOf('oauth2', 404),
      'UNDEFINED_AUTHENTICATION',
    ],
    ['workflow', ['workflow'], {}, 'EMPTY_WORKFLOW'],
    ['circle', [...ACTION, 'on_completion'], idOf('action', 1), 'CYCLE'],
    ['second successor', [...ACTION, 'on_success'], idOf('end', 1), 'TWO_SUCCESSORS'],
  ])('by its %s is refused', (_what, path, value, code, pointer = `/${path.join('/')}`) => {
    const validation = validate(withMember(isolateHost(), path, value));
    expect(validation.playbook).toBeUndefined();
    expect(validation.problems.find((problem) => problem.code === code)).toMatchObject({ pointer, kind: 'SEMANTIC' });
  });

  it.each<[readonly string[], string]>([
    [['parallel', 'next_steps', '1'], 'DANGLING_STEP'],
    [['if-condition', 'on_true'], 'DANGLING_STEP'],
    [['if-condition', 'on_false'], 'DANGLING_STEP'],
    [['while-condition', 'on_true'], 'DANGLING_STEP'],
    [['switch-condition', 'cases', 'WS-01'], 'DANGLING_STEP'],
    [['playbook-action', 'on_failure'], 'DANGLING_STEP'],
  ])('by the branch %j that leads nowhere is refused', ([type = '', ...rest], code) => {
    const path = ['workflow', idOf(type, 1), ...rest];
    expect(found(validate(withMember(everyKindOfStep(), path, nowhere)))).toContain(`${code} /${path.join('/')}`);
  });

  it.each(['if-condition', 'while-condition'])('decides nothing by an empty condition of an %s', (type) => {
    const path = ['workflow', idOf(type, 1), 'condition'];
    expect(found(validate(withMember(everyKindOfStep(), path, ' ')))).toContain(`EMPTY /${path.join('/')}`);
  });

  it('goes round only where a loop decides to', () => {
    const loop = ['workflow', idOf('while-condition', 1)];
    const onCompletion = validate(withMember(everyKindOfStep(), [...loop, 'on_completion'], idOf('parallel', 1)));
    expect(found(onCompletion)).toContain(`CYCLE /${loop.join('/')}/on_completion`);
    const inBody = withMember(everyKindOfStep(), ['workflow', idOf('action', 2), 'on_completion'], idOf('action', 2));
    expect(found(validate(inBody))).toContain(`CYCLE /workflow/${idOf('action', 2)}/on_completion`);
  });

  it('is refused when it runs itself, or has no end', () => {
    const self = withMember(
      everyKindOfStep(),
      ['workflow', idOf('playbook-action', 1), 'playbook_id'],
      idOf('playbook', 1),
    );
    expect(found(validate(self))).toContain(`CALLS_ITSELF /workflow/${idOf('playbook-action', 1)}/playbook_id`);
    let endless = withMember(isolateHost(), ['workflow', idOf('end', 1)], undefined);
    endless = withMember(endless, [...ACTION, 'on_completion'], undefined);
    expect(found(validate(endless))).toEqual(['NO_END /workflow']);
  });

  it('is taken with a warning where it can be run all the same', () => {
    const warned = (path: readonly (string | number)[], value: unknown, base = isolateHost()): string[] => {
      const validation = validate(withMember(base, path, value));
      expect(validation.playbook).toBeDefined();
      return found(validation);
    };
    expect(
      warned(['workflow', idOf('action', 2)], structuredClone((isolateHost().workflow as Mutable)[idOf('action', 1)])),
    ).toEqual([`UNREACHABLE_STEP /workflow/${idOf('action', 2)}`]);
    expect(warned(['workflow_exception'], nowhere)).toEqual(['DANGLING_EXCEPTION /workflow_exception']);
    expect(warned(['workflow_start'], idOf('action', 1))).toEqual([
      `UNREACHABLE_STEP /workflow/${idOf('start', 1)}`,
      'NO_START /workflow_start',
    ]);
    expect(warned(['workflow', idOf('start', 1), 'on_completion'], idOf('end', 1))).toContain(
      `UNREACHABLE_STEP /workflow/${idOf('action', 1)}`,
    );
    expect(warned([...ACTION, 'out_args'], ['__result__'])).toEqual([
      `UNDECLARED_VARIABLE /${ACTION.join('/')}/out_args/0`,
    ]);
    expect(warned(['markings'], [idOf('marking-tlp', 9)])).toEqual(['UNDEFINED_MARKING /markings/0']);
    expect(warned(['modified'], '2025-01-01T00:00:00Z')).toEqual(['TIMES_OUT_OF_ORDER /modified']);
  });
});

describe('a document that is no playbook', () => {
  it.each<[string, string, string]>([
    ['no JSON', '{"type": "playbook",', 'NOT_JSON'],
    ['nothing', '', 'NOT_JSON'],
    ['too large', JSON.stringify({ ...isolateHost(), description: 'é'.repeat(MAX_BYTES / 2) }), 'TOO_LARGE'],
    ['a list of too many', `[${'1,'.repeat(MAX_VALUES)}1]`, 'TOO_LARGE'],
    ['nested too deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'TOO_DEEP'],
    ['a list', '[]', 'WRONG_TYPE'],
    ['null', 'null', 'WRONG_TYPE'],
  ])('because it is %s is refused as a whole', (_name, text, code) => {
    const validation = validatePlaybook(text);
    expect(validation).toMatchObject({ playbook: undefined, problems: [{ code, pointer: '', severity: 'ERROR' }] });
    expect(validation.problems).toHaveLength(1);
  });

  it.each(['\\u0000', '\\ud800'])('because it holds %s cannot be stored', (written) => {
    const text = JSON.stringify(isolateHost()).replace('Isolate a host', `a${written}`);
    expect(found(validatePlaybook(text))).toEqual(['UNSTORABLE_TEXT /name']);
  });
});

describe('bounds', () => {
  /** A chain of actions. */
  function chain(actions: number): Mutable {
    const workflow: Mutable = { [idOf('start', 1)]: { type: 'start', on_completion: idOf('action', 1) } };
    for (let n = 1; n <= actions; n++)
      workflow[idOf('action', n)] = {
        type: 'action',
        agent: idOf('individual', 1),
        commands: [{ type: 'manual', command: 'x' }],
        on_completion: n === actions ? idOf('end', 1) : idOf('action', n + 1),
      };
    workflow[idOf('end', 1)] = { type: 'end' };
    return withMember(isolateHost(), ['workflow'], workflow);
  }

  it(`takes ${MAX_STEPS} steps, and not one more`, () => {
    expect(validate(chain(MAX_STEPS - 2)).playbook?.steps).toBe(MAX_STEPS);
    expect(found(validate(chain(MAX_STEPS - 1)))).toEqual(['TOO_MANY_STEPS /workflow']);
  });

  it('tells a bounded number of problems, errors before warnings', () => {
    const playbook = withMember(isolateHost(), ['labels'], Array(5_000).fill(1));
    const crowded = Object.assign(playbook, Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`x${n}`, n])));
    const { problems } = validate(crowded);
    expect(problems).toHaveLength(MAX_PROBLEMS);
    expect(new Set(problems.map(({ severity }) => severity))).toEqual(new Set(['ERROR']));
  });

  it('answers in time in proportion to the text, for the largest of documents', () => {
    const names = Array.from({ length: 5_000 }, (_, n) => [`__v${n}__`, { type: 'string', value: '__a'.repeat(20) }]);
    const playbook = withMember(chain(MAX_STEPS - 2), ['playbook_variables'], Object.fromEntries(names));
    const text = JSON.stringify({ ...playbook, labels: ['_'.repeat(200_000)] });
    expect(text.length).toBeGreaterThan(0.7 * MAX_BYTES);
    const started = performance.now();
    const validation = validatePlaybook(text);
    // Tens of milliseconds on an idle core; a quadratic walk would take minutes.
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(validation.playbook).toBeDefined();
  });
});
