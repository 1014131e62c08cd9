/** Syslog, from a sender's socket to the graph: lines sent by TCP and UDP are found as events of the local tenant alone. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createClient, type GraphClient } from '@aurorasoc/cli/client';
import { TENANTS } from '@aurorasoc/cli/supervisor';
import { newId } from '@aurorasoc/kit/ids';
import { beforeAll, describe, expect, it } from 'vitest';
import { createToken } from '../support/public-doors.js';
import { joinSite, type SharedSite } from '../support/shared-site.js';
import { eventually } from '../support/wait.js';

const EVENTS = '{ events(first: 100) { nodes { id isRaw original } } }';

interface Events {
  readonly events: {
    readonly nodes: readonly { readonly id: string; readonly isRaw: boolean; readonly original: string }[];
  };
}

let site: SharedSite;
let local: GraphClient;

beforeAll(async () => {
  site = await joinSite();
  local = createClient({
    url: site.urls.gateway,
    token: await createToken({ ...site, tenant: TENANTS.local }, 'viewer', 'local'),
  });
});
const syslogPort = (): number => Number(new URL(site.urls.syslog ?? '').port);

describe('syslog', () => {
  it('is found through the graph, from both framings and from UDP', async () => {
    const mark = newId();
    const lines = [
      `<165>1 2026-10-11T22:14:15.003Z host.example.org app - ID47 - ${mark} by RFC 5424`,
      `<34>Oct 11 22:14:15 mymachine su: ${mark} by RFC 3164`,
    ];
    const counted = `<34>1 - host app - - - ${mark} counted`;
    const datagram = `<34>Oct 11 22:14:15 mymachine su: ${mark} by UDP`;
    for (const text of [`${lines.join('\n')}\n`, `${counted.length} ${counted}`]) {
      const socket = connect(syslogPort(), '127.0.0.1');
      socket.end(text);
      await once(socket.resume(), 'close');
    }
    const udp = createSocket('udp4');
    await new Promise((resolve) => udp.send(datagram, syslogPort(), '127.0.0.1', resolve));
    udp.close();

    const expected = [...lines, counted, datagram].sort();
    const { events } = await eventually(
      () => local.query<Events>(EVENTS),
      (answer) => answer.events.nodes.length >= expected.length,
    );
    expect(events.nodes.map(({ original }) => original).sort()).toEqual(expected);
    expect(events.nodes.every(({ isRaw }) => isRaw)).toBe(true);

    expect((await site.client.query<Events>(EVENTS)).events.nodes).toEqual([]);
  });
});
