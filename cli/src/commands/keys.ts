import { readClientEnvironment } from '../environment.js';
import { siteHome } from '../home/site-home.js';
import { prepareSiteKeys } from '../home/site-keys.js';

/** `aurora keys`: the keys that `up` would make, for a site whose roles are started by something else. What is there stays. */
export function makeKeys(): void {
  const { AURORA_HOME, AURORA_API_KEYS_FILE } = readClientEnvironment();
  const home = siteHome(AURORA_HOME);
  prepareSiteKeys({ ...home, apiKeysFile: AURORA_API_KEYS_FILE ?? home.apiKeysFile });
  console.log(`The keys are in ${home.keysDir}`);
}
