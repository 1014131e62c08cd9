import { AuroraError } from '@aurorasoc/kit/errors';

/** What everything is tested on; npm scripts bring it along. */
export const NODE_MAJOR = 24;

/** @throws AuroraError `CONFIGURATION_INVALID` for an older Node: the code would die somewhere of what that lacks. */
export function requireNode(version = process.versions.node): void {
  if (Number.parseInt(version, 10) >= NODE_MAJOR) return;
  throw new AuroraError({
    code: 'CONFIGURATION_INVALID',
    publicMessage: `Node ${version} is older than ${NODE_MAJOR}; run "npm start" or "npm run aurora", which bring their own`,
  });
}
