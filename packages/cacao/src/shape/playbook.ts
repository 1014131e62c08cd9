/** CACAO 2.0, chapter 3: the playbook. */
import { MAX_DESCRIPTION, MAX_NAME, MAX_STEPS } from '../limits.js';
import { below, quote, type Report } from '../problem.js';
import { anyAgent, anyAuthentication } from './agents.js';
import {
  externalReference,
  identifier,
  identifierOf,
  signature,
  timestamp,
  typeOfIdentifier,
  variables,
} from './data-types.js';
import { anyMarking, extensionDefinition } from './markings.js';
import {
  dictionaryOf,
  flag,
  integer,
  isObject,
  listOf,
  memberOf,
  object,
  oneOf,
  type Shape,
  text,
  textThat,
} from './shape.js';
import { anyStep, STEP_TYPES } from './steps.js';

const score = integer(0, 100);

const processingSummary = object({
  optional: Object.fromEntries(
    `manual_playbook external_playbooks parallel_processing if_logic while_logic switch_logic temporal_logic data_markings
      digital_signatures countersigned_signatures extensions`
      .split(/\s+/)
      .map((name) => [name, flag]),
  ),
});

const name = textThat(
  (value) => value.trim() !== '' && value.length <= MAX_NAME,
  'OUT_OF_RANGE',
  `A playbook has a name of 1 to ${MAX_NAME} characters`,
);

const description = textThat(
  (value) => value.length <= MAX_DESCRIPTION,
  'OUT_OF_RANGE',
  `A description has at most ${MAX_DESCRIPTION} characters`,
);

/** Objects by the identifiers that they are referred to by. */
function definitions(shape: Shape, minEntries = 0): Shape {
  const entries = dictionaryOf(shape, identifier, minEntries);
  return (value, pointer, report) => {
    entries(value, pointer, report);
    if (isObject(value)) warnOfForeignKeys(value, pointer, report);
  };
}

function warnOfForeignKeys(value: Readonly<Record<string, unknown>>, pointer: string, report: Report): void {
  for (const [key, member] of Object.entries(value)) {
    const type = isObject(member) ? memberOf(member, 'type') : undefined;
    if (typeof type === 'string' && typeOfIdentifier(key) !== '' && typeOfIdentifier(key) !== type)
      report.add('KEY_OF_OTHER_TYPE', below(pointer, key), `The key is not of the object's type ${quote(type)}`);
  }
}

const steps = dictionaryOf(anyStep, identifier);
const workflow: Shape = (value, pointer, report) => {
  if (isObject(value) && Object.keys(value).length > MAX_STEPS) {
    report.add('TOO_MANY_STEPS', pointer, `A workflow has at most ${MAX_STEPS} steps`);
    return;
  }
  steps(value, pointer, report);
  if (!isObject(value)) return;
  for (const [key, step] of Object.entries(value)) {
    const type = isObject(step) ? memberOf(step, 'type') : undefined;
    if (typeof type !== 'string' || !STEP_TYPES.includes(type) || typeOfIdentifier(key) === type) continue;
    // A key that names another kind of step contradicts the step; any other is somebody's own habit.
    if (STEP_TYPES.includes(typeOfIdentifier(key)))
      report.add('BAD_IDENTIFIER', below(pointer, key), `The step is of type ${type}, which its key contradicts`);
    else report.add('KEY_OF_OTHER_TYPE', below(pointer, key), `The key is not of the step's type ${type}`);
  }
};

export const playbook = object({
  required: {
    type: oneOf('playbook'),
    spec_version: oneOf('cacao-2.0'),
    id: identifierOf('playbook'),
    name,
    created_by: identifier,
    created: timestamp,
    modified: timestamp,
    workflow_start: identifier,
    workflow,
  },
  optional: {
    description,
    playbook_types: listOf(text),
    playbook_activities: listOf(text, 1),
    playbook_processing_summary: processingSummary,
    revoked: flag,
    valid_from: timestamp,
    valid_until: timestamp,
    derived_from: listOf(identifier, 1),
    related_to: listOf(identifier, 1),
    priority: score,
    severity: score,
    impact: score,
    industry_sectors: listOf(text, 1),
    labels: listOf(text, 1),
    external_references: listOf(externalReference, 1),
    markings: listOf(identifier, 1),
    playbook_variables: variables,
    workflow_exception: identifier,
    authentication_info_definitions: definitions(anyAuthentication),
    agent_definitions: definitions(anyAgent, 1),
    target_definitions: definitions(anyAgent, 1),
    extension_definitions: dictionaryOf(extensionDefinition, identifierOf('extension-definition')),
    data_marking_definitions: definitions(anyMarking),
    signatures: listOf(signature, 1),
  },
});
