/** CACAO 2.0, chapters 6 and 7: who carries a command out, on what, and how they are logged in. Both vocabularies are open. */
import { isIPv4, isIPv6 } from '../ip-address.js';
import { civicLocation, contact, extensions, identifier } from './data-types.js';
import {
  byType,
  flag,
  integer,
  listOf,
  type ObjectShape,
  object,
  onlyKnown,
  type Shape,
  text,
  textThat,
} from './shape.js';

const common = { type: text, name: text };
const commonOptional = { description: text, location: civicLocation, agent_target_extensions: extensions };

function agent({ required, optional }: ObjectShape): Shape {
  return object({ required: { ...common, ...required }, optional: { ...commonOptional, ...optional } });
}

/** A value that is only known at run time cannot be judged now. */
function orVariable(isGood: (value: string) => boolean, what: string): Shape {
  return textThat((value) => value.includes('__:value') || isGood(value), 'BAD_ADDRESS', `Expected ${what}`);
}

const address = object({
  optional: {
    url: listOf(orVariable((value) => /^[^\s\p{Cc}]+$/u.test(value), 'a URL, which has no spaces')),
    dname: listOf(text),
    ipv4: listOf(orVariable(isIPv4, 'an IPv4 address')),
    ipv6: listOf(orVariable(isIPv6, 'an IPv6 address')),
    l2mac: listOf(orVariable((value) => /^[a-f0-9]{2}(:[a-f0-9]{2}){5}$/i.test(value), 'a MAC address')),
    vlan: listOf(integer(0, 4095)),
  },
});

const category = listOf(text, 1);
const reachable = agent({
  required: { address },
  optional: { port: text, authentication_info: identifier, category },
});
const withContact = agent({ optional: { contact } });

/** Only what all have in common; its own members are the affair of whoever defined the type. */
const custom = onlyKnown({ required: common, optional: commonOptional });

export const anyAgent: Shape = byType(
  {
    group: withContact,
    individual: withContact,
    organization: withContact,
    location: agent({ optional: { logical: listOf(text, 1) } }),
    sector: agent({ required: { sector: text } }),
    'security-category': agent({ required: { category } }),
    'http-api': reachable,
    linux: reachable,
    'net-address': reachable,
    ssh: reachable,
  },
  custom,
);

const authentication = { type: text };
const authenticationOptional = { name: text, description: text, authentication_info_extensions: extensions };
const keyManagement = { kms: flag, kms_key_identifier: text };

export const anyAuthentication: Shape = byType(
  {
    'http-basic': object({
      required: authentication,
      optional: { ...authenticationOptional, ...keyManagement, user_id: text, password: text },
    }),
    oauth2: object({
      required: { ...authentication, oauth_header: text, token: text },
      optional: { ...authenticationOptional, ...keyManagement },
    }),
    'user-auth': object({
      required: authentication,
      optional: { ...authenticationOptional, ...keyManagement, username: text, password: text },
    }),
  },
  onlyKnown({ required: authentication, optional: authenticationOptional }),
);
