/**
 * Does every variable that is read exist?
 *
 * A variable is read where a text holds `__name__:value` (section 10.18.3) and where `in_args` names it. It exists when it is
 * declared for the playbook or for the step. One that only another step declares, or that some step gives back by `out_args`
 * without a declaration, is warned of: engines differ on whether it can be seen. Conditions are STIX-like patterns, and are
 * read as texts.
 */
import { below, type Report } from '../problem.js';
import { isObject, type JsonObject, memberOf } from '../shape/shape.js';
import type { StepGraph } from './step-graph.js';

const REFERENCE = /(__[a-zA-Z_][a-zA-Z0-9_-]{0,199}?__):value/g;

interface Known {
  /** Seen by every step. */
  readonly ofPlaybook: ReadonlySet<string>;
  /** Declared by, or given back from, any step. */
  readonly somewhere: ReadonlySet<string>;
}

export function checkVariables(playbook: JsonObject, steps: StepGraph, report: Report): void {
  const ofPlaybook = namesOf(memberOf(playbook, 'playbook_variables'));
  const somewhere = new Set<string>();
  for (const { object } of steps.values()) {
    for (const name of namesOf(memberOf(object, 'step_variables'))) somewhere.add(name);
    for (const [name] of argumentsOf(object, 'out_args', '')) somewhere.add(name);
  }
  const known: Known = { ofPlaybook, somewhere };
  for (const { object, pointer } of steps.values()) {
    const own = namesOf(memberOf(object, 'step_variables'));
    for (const [name, place] of argumentsOf(object, 'in_args', pointer)) checkRead(name, place, own, known, report);
    for (const [name, place] of argumentsOf(object, 'out_args', pointer))
      if (!ofPlaybook.has(name) && !own.has(name))
        report.add('UNDECLARED_VARIABLE', place, `No declaration of ${name}: what the step gives back may be lost`);
    // Its own declarations may hold the text of one as a value, which is not read there.
    const { step_variables: _declarations, ...rest } = object;
    for (const [name, place] of referencesIn(rest, pointer)) checkRead(name, place, own, known, report);
  }
  for (const section of ['agent_definitions', 'target_definitions', 'authentication_info_definitions'])
    for (const [name, place] of referencesIn(memberOf(playbook, section), below('', section)))
      checkRead(name, place, NONE, known, report);
}

const NONE: ReadonlySet<string> = new Set();

function checkRead(
  name: string,
  place: string,
  own: ReadonlySet<string>,
  { ofPlaybook, somewhere }: Known,
  report: Report,
): void {
  if (ofPlaybook.has(name) || own.has(name)) return;
  if (somewhere.has(name))
    report.add('UNDECLARED_VARIABLE', place, `${name} is not declared for this step, only another one knows it`);
  else report.add('UNDEFINED_VARIABLE', place, `There is no variable ${name}`);
}

function namesOf(declarations: unknown): ReadonlySet<string> {
  return new Set(isObject(declarations) ? Object.keys(declarations) : []);
}

function argumentsOf(step: JsonObject, member: 'in_args' | 'out_args', pointer: string): [string, string][] {
  const value = memberOf(step, member);
  if (!Array.isArray(value)) return [];
  return value.flatMap((name, index): [string, string][] =>
    typeof name === 'string' ? [[name.replace(/:value$/, ''), below(below(pointer, member), index)]] : [],
  );
}

/** Names with the places of the texts that hold them; one of each per text. */
function* referencesIn(value: unknown, pointer: string): Generator<[string, string]> {
  if (typeof value === 'string') {
    for (const name of new Set(Array.from(value.matchAll(REFERENCE), (match) => match[1] ?? ''))) yield [name, pointer];
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) yield* referencesIn(item, below(pointer, index));
  } else if (isObject(value)) {
    for (const [key, member] of Object.entries(value)) yield* referencesIn(member, below(pointer, key));
  }
}
