import { readClientEnvironment } from '../environment.js';
import { siteHome } from '../home/site-home.js';
import { prepareSiteKeys } from '../home/site-keys.js';

/** `aurora keys`: the keys that `up` would make, for a site whose roles are started by something else. What is there stays. */
export function makeKeys(): void {
  const home = siteHome(readClientEnvironment().AURORA_HOME);
  prepareSiteKeys(home);
  console.log(`The keys are in ${home.keysDir}`);
}
