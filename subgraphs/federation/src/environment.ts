import { domainVariables } from '@aurorasoc/kit/domain';
import { existingFile, parseEnvironment, variable } from '@aurorasoc/kit/environment';
import { z } from 'zod';

/** A process of the site and where it tells its health. */
export interface HealthAddress {
  readonly name: string;
  /** Without the path. */
  readonly url: string;
}

const ADDRESS = /^(?<name>[\w.:-]{1,64})=(?<url>https?:\/\/.+)$/;
const ADDRESSES_ERROR = 'must be a comma-separated list of name=url, each name once';

const healthUrls = z
  .string()
  .default('')
  .transform((text, context): readonly HealthAddress[] => {
    const addresses = text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
      .map(readAddress);
    const names = new Set(addresses.map((address) => address?.name));
    if (!addresses.includes(undefined) && names.size === addresses.length) return addresses as HealthAddress[];
    context.addIssue({ code: 'custom', message: ADDRESSES_ERROR });
    return z.NEVER;
  });

const DOMAIN = /^[a-z][a-z_]{0,30}$/;

const domains = z
  .string()
  .min(1)
  .transform((text) => [...new Set(text.split(',').map((name) => name.trim()))])
  .refine((names) => names.every((name) => DOMAIN.test(name)), 'must be a comma-separated list of names');

function readAddress(item: string): HealthAddress | undefined {
  const { name, url } = ADDRESS.exec(item)?.groups ?? {};
  return name !== undefined && url !== undefined && URL.canParse(url)
    ? { name, url: url.replace(/\/+$/, '') }
    : undefined;
}

export const federationVariables = {
  ...domainVariables(4006),
  SITE_PRIVATE_KEY_FILE: existingFile(
    "The site's private key (Ed25519, PEM); its public half is the site's identity",
    '.aurora/keys/site.pem',
  ),
  SITE_HEALTH_URLS: variable(healthUrls, {
    description: 'Processes whose health `siteHealth` shows: name=url, comma-separated, without /healthz; empty: none',
    example: 'gateway=http://127.0.0.1:8000,alerts=http://127.0.0.1:4101',
  }),
  SITE_DOMAINS: variable(domains, {
    description: 'Domains of the site, comma-separated: an erasure is complete when each of them has answered',
    example: 'alerts,agents,memory,playbooks,devices,federation',
  }),
} as const;

export type FederationEnvironment = ReturnType<typeof parseEnvironment<typeof federationVariables>>;

/** @throws AuroraError `CONFIGURATION_INVALID` */
export function readFederationEnvironment(
  source?: Readonly<Record<string, string | undefined>>,
): FederationEnvironment {
  return parseEnvironment(federationVariables, source);
}
