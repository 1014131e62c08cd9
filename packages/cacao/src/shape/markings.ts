/** CACAO 2.0, chapter 9: who may be given the playbook; and chapter 8: extension definitions. */
import { extensions, externalReference, identifier, timestamp } from './data-types.js';
import { byType, flag, integer, listOf, object, oneOf, type Shape, text } from './shape.js';

const common = { type: text, id: identifier, created_by: identifier, created: timestamp };
const commonOptional = {
  name: text,
  description: text,
  revoked: flag,
  valid_from: timestamp,
  valid_until: timestamp,
  labels: listOf(text, 1),
  external_references: listOf(externalReference, 1),
  marking_extensions: extensions,
};

const timestampOrNull: Shape = (value, pointer, report) => {
  if (value !== null) timestamp(value, pointer, report);
};

export const anyMarking: Shape = byType(
  {
    'marking-statement': object({ required: { ...common, statement: text }, optional: commonOptional }),
    'marking-tlp': object({
      required: { ...common, tlpv2_level: oneOf('TLP:RED', 'TLP:AMBER', 'TLP:AMBER+STRICT', 'TLP:GREEN', 'TLP:CLEAR') },
      optional: commonOptional,
    }),
    'marking-iep': object({
      required: {
        ...common,
        name: text,
        description: text,
        tlp: text,
        iep_version: integer(0),
        start_date: timestamp,
        end_date: timestampOrNull,
        encrypt_in_transit: text,
        permitted_actions: text,
        affected_party_notifications: text,
        attribution: text,
        unmodified_resale: text,
        external_references: listOf(text),
      },
      optional: Object.fromEntries(Object.entries(commonOptional).filter(([name]) => name !== 'external_references')),
    }),
  },
  object({
    required: { ...common, type: oneOf('marking-statement', 'marking-tlp', 'marking-iep') },
    optional: commonOptional,
  }),
);

export const extensionDefinition = object({
  required: { type: oneOf('extension-definition'), name: text, created_by: identifier, schema: text, version: text },
  optional: { description: text, external_references: listOf(externalReference) },
});
