import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readSiteEnvironment } from '../environment.js';
import { portGroups, siteRoles } from '../roles/role-table.js';
import { makeScratchFolder } from '../services/testing/scratch-folder.js';
import { planPorts } from './plan-ports.js';

const ROLES = siteRoles(0);

async function occupyPort(port = 0, host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(port, host);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A site of this machine may hold the documented ports: what a test does not name is free to be chosen. */
const ANY_PORTS = Object.fromEntries(
  portGroups(ROLES).flatMap(({ portVariable }) => (portVariable === undefined ? [] : [[portVariable, '0']])),
);

function wishes(mode: 'fixed' | 'auto', variables: Readonly<Record<string, string>> = {}) {
  const wanted = readSiteEnvironment({ ...ANY_PORTS, ...variables });
  return {
    mode,
    wanted,
    host: wanted.HOST,
    file: join(makeScratchFolder(), 'role-ports.json'),
  };
}

describe('planning ports', () => {
  it('names the taken port and the variable that moves it', async () => {
    const port = await occupyPort();
    await expect(planPorts(ROLES, wishes('fixed', { PORT: String(port) }))).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      publicMessage: `Port ${port} of gateway is taken by another program; end that, choose another port with PORT=<port>, or have every port chosen with AURORA_PORTS=auto`,
    });
  });

  it('names all taken ports at once, each with its variable', async () => {
    const [gateway, ingest] = [await occupyPort(), await occupyPort()];
    const planning = planPorts(ROLES, wishes('fixed', { PORT: String(gateway), INGEST_PORT: String(ingest) }));
    await expect(planning).rejects.toMatchObject({
      code: 'PORT_TAKEN',
      publicMessage: expect.stringMatching(
        new RegExp(
          `: ${ingest} of ingest \\(INGEST_PORT=<port>\\), ${gateway} of gateway \\(PORT=<port>\\);.*AURORA_PORTS=auto`,
        ),
      ),
    });
  });

  it('looks at every port that a role needs', async () => {
    const health = await occupyPort();
    const first = String(health - 100);
    await expect(planPorts(ROLES, wishes('fixed', { ALERTS_PORT: first }))).rejects.toMatchObject({
      field: 'ALERTS_PORT',
    });
  });

  it('looks where a door listens, and for datagrams where it takes them', async () => {
    const elsewhere = await occupyPort(0, '127.0.0.2');
    const gateway = { PORT: String(elsewhere), HOST: '127.0.0.2' };
    await expect(planPorts(ROLES, wishes('fixed', gateway))).rejects.toMatchObject({ field: 'PORT' });
    expect((await planPorts(ROLES, wishes('fixed', { PORT: String(elsewhere) }))).gateway).toBe(elsewhere);

    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    onTestFinished(() => void socket.close());
    await once(socket, 'listening');
    const syslog = { INGEST_SYSLOG_PORT: String(socket.address().port) };
    await expect(planPorts(ROLES, wishes('fixed', syslog))).rejects.toMatchObject({ field: 'INGEST_SYSLOG_PORT' });
  });

  it('refuses one port for two roles', async () => {
    await expect(planPorts(ROLES, wishes('fixed', { PORT: '18010', INGEST_PORT: '18010' }))).rejects.toMatchObject({
      code: 'CONFIGURATION_INVALID',
      publicMessage: expect.stringContaining('18010'),
    });
  });

  it('chooses free ports that do not overlap, and the same again the next time', async () => {
    const auto = wishes('auto');
    const first = await planPorts(ROLES, auto);
    const all = ROLES.flatMap(({ name, portOffsets }) => portOffsets.map((offset) => (first[name] ?? 0) + offset));
    expect(new Set(all).size).toBe(all.length);
    expect(await planPorts(ROLES, auto)).toEqual(first);
  });

  it('gives a port to each replica of a worker, also where the others are fixed', async () => {
    const replicas = siteRoles(2).filter(({ portVariable }) => portVariable === undefined);
    const plan = await planPorts(replicas, wishes('fixed'));
    expect(Object.keys(plan)).toEqual(
      expect.arrayContaining(['alerts-worker-1', 'alerts-worker-2', 'agents-worker-2']),
    );
    expect(new Set(Object.values(plan)).size).toBe(replicas.length);
  });

  it('moves only the role whose port was taken meanwhile', async () => {
    const auto = wishes('auto');
    const first = await planPorts(ROLES, auto);
    await occupyPort(first.gateway);
    const second = await planPorts(ROLES, auto);
    expect(second.gateway).not.toBe(first.gateway);
    expect({ ...second, gateway: 0 }).toEqual({ ...first, gateway: 0 });
  });
});
