/** Variables that are wrong, or look like one of ours and are none. */
import { commonVariables } from '@aurorasoc/kit/environment';
import { AuroraError } from '@aurorasoc/kit/errors';
import { KNOWN_VARIABLES, readClientEnvironment, readSiteEnvironment, type Variables } from '../environment.js';
import { type Finding, fail, ok, warn } from './finding.js';

const PREFIX = 'AURORA_';
/** Read by roles or set for them. */
const ROLE_VARIABLES = ['AURORA_API_KEYS_FILE'];

export function checkVariables(variables: Variables): readonly Finding[] {
  const bad = [readSiteEnvironment, readClientEnvironment].flatMap((read) => problemsOf(() => read(variables)));
  const known = new Set([...KNOWN_VARIABLES, ...Object.keys(commonVariables), ...ROLE_VARIABLES]);
  const unknown = Object.keys(variables).filter((name) => name.startsWith(PREFIX) && !known.has(name));
  return [
    ...[...new Set(bad)].map((problem) => fail('variables', problem, 'correct it or leave it out')),
    ...unknown.map((name) => warn('variables', `${name} means nothing to AuroraSOC`, 'look for a misspelling')),
    ...(bad.length + unknown.length === 0 ? [ok('variables', 'all that are set make sense')] : []),
  ];
}

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
    return [];
  } catch (error) {
    if (!(error instanceof AuroraError)) throw error;
    return error.publicMessage.split('\n');
  }
}
