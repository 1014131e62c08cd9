/** CACAO 2.0, chapter 10: the data types that objects are made of. */
import {
  anyObject,
  both,
  dictionaryOf,
  flag,
  listOf,
  object,
  oneOf,
  type Shape,
  someOf,
  text,
  textThat,
} from './shape.js';

/** Section 10.10; UUIDs of every version of RFC 9562. */
const IDENTIFIER =
  /^[a-z][a-z0-9-]+[a-z0-9]--[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-8][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$/;

export function isIdentifier(value: string): boolean {
  return IDENTIFIER.test(value);
}

/** What stands before `--`. */
export function typeOfIdentifier(identifier: string): string {
  // A type may itself hold `--`; the UUID does not.
  return identifier.slice(0, Math.max(0, identifier.lastIndexOf('--')));
}

export const identifier = textThat(isIdentifier, 'BAD_IDENTIFIER', 'Expected an identifier such as action--<uuid>');

/** An identifier of objects of one type. */
export function identifierOf(type: string): Shape {
  return textThat(
    (value) => isIdentifier(value) && typeOfIdentifier(value) === type,
    'BAD_IDENTIFIER',
    `Expected an identifier such as ${type}--<uuid>`,
  );
}

/** Section 10.16, RFC 3339 in UTC; as in RFC 3339, a minute may have a 61st second. */
const TIMESTAMP = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?Z$/;

/** Milliseconds since the Unix epoch; undefined for a text that is no timestamp. */
export function timeOf(value: unknown): number | undefined {
  const parts = typeof value === 'string' ? TIMESTAMP.exec(value) : null;
  if (!parts) return undefined;
  const [, year, month, day] = parts.map(Number) as [number, number, number, number];
  const isDay = month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
  return isDay ? Date.parse((value as string).replace(':60', ':59')) : undefined;
}

export const timestamp = textThat(
  (value) => timeOf(value) !== undefined,
  'BAD_TIMESTAMP',
  'Expected a time in UTC such as 2026-01-31T08:00:00.000Z',
);

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
export const base64 = textThat(
  (value) => value.length % 4 === 0 && BASE64.test(value),
  'BAD_BASE64',
  'Expected Base64 with padding, without line breaks',
);

export const externalReference = object({
  required: { name: text },
  optional: { description: text, source: text, url: text, external_id: text, reference_id: text },
});

/** Members of `*_extensions`, by the identifier of their definition. */
export const extensions = dictionaryOf(anyObject, identifierOf('extension-definition'), 1);

/** Section 10.18. */
const VARIABLE_NAME = /^__[a-zA-Z_][a-zA-Z0-9_-]{0,199}__$/;
const variableName = textThat(
  (name) => VARIABLE_NAME.test(name),
  'BAD_KEY',
  'A variable is named like __name__, of letters, digits, _ and -',
);
const variableValue: Shape = (value, pointer, report) => {
  if (value !== null) text(value, pointer, report);
};
const variable = object({
  required: { type: text },
  optional: { description: text, value: variableValue, constant: flag, external: flag },
});
export const variables = dictionaryOf(variable, variableName);

const contactName = textThat(
  (name) => /^[a-zA-Z0-9_-]{0,250}$/.test(name),
  'BAD_KEY',
  'A key has letters, digits, _ and -',
);
/** What is more than an address is meant for whatever program sends to it. */
const email = textThat(
  (value) => /^[^\s@;`<>"]+@[^\s@;`<>"]+$/.test(value) || value.includes('__:value'),
  'BAD_EMAIL',
  'Expected an address for mail',
);
export const contact = object({
  optional: { email: dictionaryOf(email, contactName), phone: dictionaryOf(text, contactName), contact_details: text },
});

/** Section 10.3, `region-enum`: the United Nations' names of regions. */
const REGIONS = `africa eastern-africa middle-africa northern-africa southern-africa western-africa americas caribbean
  central-america latin-america-caribbean northern-america south-america asia central-asia eastern-asia southern-asia
  south-eastern-asia western-asia europe eastern-europe northern-europe southern-europe western-europe oceania antarctica
  australia-new-zealand melanesia micronesia polynesia`.split(/\s+/);

export const civicLocation = object({
  optional: {
    name: text,
    description: text,
    building_details: text,
    network_details: text,
    region: oneOf(...REGIONS),
    country: text,
    administrative_area: text,
    city: text,
    street_address: text,
    postal_code: text,
    latitude: text,
    longitude: text,
    precision: text,
  },
});

/** Section 10.15. A signature may be countersigned, that one again, as deep as documents may be. */
export const signature: Shape = (value, pointer, report) => signatureShape(value, pointer, report);
const signatureShape = both(
  object({
    required: {
      type: oneOf('jss'),
      id: identifier,
      created: timestamp,
      modified: timestamp,
      signee: text,
      related_to: identifier,
      related_version: timestamp,
      hash_algorithm: text,
      algorithm: text,
      value: text,
    },
    optional: {
      created_by: identifier,
      revoked: flag,
      valid_from: timestamp,
      valid_until: timestamp,
      public_key: text,
      public_cert_chain: listOf(text, 1),
      cert_url: text,
      thumbprint: text,
      signature,
    },
  }),
  someOf(['public_key', 'public_cert_chain', 'cert_url', 'thumbprint'], true),
);
