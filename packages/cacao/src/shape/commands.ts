/** CACAO 2.0, chapter 5: what an action does. The vocabulary is open; what only a custom agent understands is not looked into. */
import { base64, externalReference } from './data-types.js';
import {
  both,
  byType,
  dictionaryOf,
  isObject,
  listOf,
  memberOf,
  type ObjectShape,
  object,
  onlyKnown,
  type Shape,
  someOf,
  text,
} from './shape.js';

const common = { type: text };
const commonOptional = {
  description: text,
  version: text,
  playbook_activity: text,
  external_references: listOf(externalReference),
};

function command({ required, optional }: ObjectShape): Shape {
  return object({ required: { ...common, ...required }, optional: { ...commonOptional, ...optional } });
}

/** Commands whose text may be written plainly or in Base64. */
const inEitherForm = both(
  command({ optional: { command: text, command_b64: base64 } }),
  someOf(['command', 'command_b64'], false),
);
/** Commands that are whole documents of another language. */
const encoded = command({ required: { command_b64: base64 } });

const headers = dictionaryOf(listOf(text), text);

const known = onlyKnown({ required: common, optional: commonOptional });
const custom: Shape = (value, pointer, report) => {
  known(value, pointer, report);
  if (isObject(value) && typeof memberOf(value, 'type') === 'string')
    report.add('UNKNOWN_COMMAND', pointer, 'The specification knows no such command; its own members are not checked');
};

export const anyCommand: Shape = byType(
  {
    manual: inEitherForm,
    bash: inEitherForm,
    'caldera-cmd': inEitherForm,
    powershell: inEitherForm,
    ssh: inEitherForm,
    elastic: encoded,
    jupyter: encoded,
    kestrel: encoded,
    sigma: encoded,
    yara: encoded,
    'http-api': command({ required: { command: text }, optional: { headers, content: text, content_b64: base64 } }),
    'openc2-http': command({ required: { command: text, content_b64: base64 }, optional: { headers } }),
  },
  custom,
);
