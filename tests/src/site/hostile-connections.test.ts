/** Nobody who can reach a port can end the process behind it: no token is shown here. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { siteRoles } from '@aurorasoc/cli/roles';
import type { RoleState } from '@aurorasoc/cli/supervisor';
import { beforeAll, describe, expect, it } from 'vitest';
import { getRequest, openRaw, UPGRADE_HEADERS } from '../support/raw-connection.js';
import { joinSite, type SharedSite } from '../support/shared-site.js';

const ROLES = siteRoles(0).map(({ name }) => name);
const TARGETS = ['//', 'http://[', '/elsewhere', '/graphql', '*'];

let site: SharedSite;
beforeAll(async () => {
  site = await joinSite();
});

function stateOf(role: string): RoleState {
  const found = site.state().roles[role];
  if (!found) throw new Error(`no role ${role} runs`);
  return found;
}

/** Sends, takes what comes, and is gone; a server that says nothing within the time is left without a word. */
async function ask(port: number, text: string): Promise<void> {
  const socket = await openRaw(port, text);
  socket.resume();
  await Promise.race([once(socket, 'close'), new Promise((resolve) => setTimeout(resolve, 200))]);
  socket.resetAndDestroy();
}

describe('a port', () => {
  it.concurrent.each(ROLES)(
    'of %s outlives targets that are no URL, upgrades to anywhere, and resets at any moment',
    async (role) => {
      const before = stateOf(role);
      for (const target of TARGETS) {
        await ask(before.port, getRequest(target, 'connection: close\r\n'));
        await ask(before.port, getRequest(target, UPGRADE_HEADERS));
        await ask(before.port, `POST ${target} HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{`);
        for (let times = 0; times < 20; times++)
          (await openRaw(before.port, getRequest(target, UPGRADE_HEADERS))).resetAndDestroy();
      }
      // Behind everything else: by its end, what the others have done to the process has been logged.
      await ask(before.port, getRequest('/', 'connection: close\r\n'));
      const { process, restarts } = stateOf(role);
      expect({ pid: process?.pid, restarts }).toEqual({ pid: before.process?.pid, restarts: before.restarts });
      // A process that is about to end still drains for a while, and is still there.
      expect(readFileSync(join(site.home, 'logs', `${role}.log`), 'utf8')).not.toMatch(/Uncaught exception|Unhandled/);
    },
  );
});
