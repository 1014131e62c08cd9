import { domainVariables } from '@aurorasoc/kit/domain';
import { parseEnvironment } from '@aurorasoc/kit/environment';

const variables = domainVariables(4004);

export type PlaybooksEnvironment = ReturnType<typeof parseEnvironment<typeof variables>>;

/** @throws AuroraError `CONFIGURATION_INVALID` */
export function readPlaybooksEnvironment(source?: Readonly<Record<string, string | undefined>>): PlaybooksEnvironment {
  return parseEnvironment(variables, source);
}
