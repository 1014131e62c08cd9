/** CACAO 2.0, chapter 4: the steps of a workflow. */
import { below } from '../problem.js';
import { anyCommand } from './commands.js';
import { extensions, externalReference, identifier, timestamp, variables } from './data-types.js';
import {
  both,
  byType,
  dictionaryOf,
  integer,
  isObject,
  listOf,
  type ObjectShape,
  object,
  oneOf,
  type Shape,
  text,
} from './shape.js';

const common = {
  name: text,
  description: text,
  external_references: listOf(externalReference, 1),
  delay: integer(1),
  timeout: integer(0),
  step_variables: variables,
  owner: identifier,
  on_completion: identifier,
  on_success: identifier,
  on_failure: identifier,
  step_extensions: extensions,
};

function step({ required, optional }: ObjectShape = {}): Shape {
  return object({ required: { type: text, ...required }, optional: { ...common, ...optional } });
}

/** Steps after which nothing, or nothing but one thing, can follow. */
function without(...names: readonly string[]): Shape {
  return (value, pointer, report) => {
    if (!isObject(value)) return;
    for (const name of names)
      if (Object.hasOwn(value, name)) report.add('NOT_ALLOWED', below(pointer, name), `This step cannot have ${name}`);
  };
}

const args = listOf(text, 1);
/** Of its language, STIX patterning, nothing is looked at here; one that says nothing can be run by nobody. */
const condition: Shape = (value, pointer, report) => {
  text(value, pointer, report);
  if (typeof value === 'string' && value.trim() === '') report.add('EMPTY', pointer, 'A condition must say something');
};
/** Each branch of a switch is one step; the specification's own schema and its text agree on that. */
const cases = dictionaryOf(identifier, text, 1);

const STEPS: Readonly<Record<string, Shape>> = {
  start: both(step(), without('on_success', 'on_failure')),
  end: both(step(), without('on_completion', 'on_success', 'on_failure')),
  action: step({
    required: { commands: listOf(anyCommand, 1), agent: identifier },
    optional: { targets: listOf(identifier, 1), in_args: args, out_args: args },
  }),
  'playbook-action': step({
    required: { playbook_id: identifier },
    optional: { playbook_version: timestamp, in_args: args, out_args: args },
  }),
  parallel: step({ required: { next_steps: listOf(identifier, 2) } }),
  'if-condition': step({ required: { condition, on_true: identifier }, optional: { on_false: identifier } }),
  'while-condition': step({ required: { condition, on_true: identifier } }),
  'switch-condition': step({ required: { switch: text, cases } }),
};

export const STEP_TYPES: readonly string[] = Object.keys(STEPS);

export const anyStep: Shape = byType(STEPS, object({ required: { type: oneOf(...STEP_TYPES) }, optional: common }));
