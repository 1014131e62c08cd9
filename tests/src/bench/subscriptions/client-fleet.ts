/**
 * Clients of one live field, thousands in a process of their own: graphql-transport-ws as anybody would speak it, and of each
 * message only what is counted is read, so that the server is what is measured.
 */
import { WebSocket } from 'ws';
import type { FleetAnswer, FleetOrder } from './messages.js';

const OPENED_AT_ONCE = 50;
const RETRY_MS = 200;
const CURSOR = '"cursor":"';
const ALERT = '"alertId":"';
const VERSION = '"version":';
const UUID_LENGTH = 36;

type Opening = Extract<FleetOrder, { kind: 'open' }>;

class FieldClient {
  /** How often each change came, by alert and version. */
  readonly seen = new Map<string, number>();
  changes = 0;
  resyncs = 0;
  reconnects = 0;
  #socket: WebSocket | undefined;
  #cursor: string | undefined;

  constructor(
    private readonly opening: Opening,
    private readonly token: string,
    private readonly onChange: () => void,
  ) {}

  /** Resolves when it has caught up; comes again until it has. */
  open(): Promise<void> {
    return new Promise((resolve) => this.#connect(resolve));
  }

  cut(): Promise<void> {
    this.#socket?.removeAllListeners('close').terminate();
    this.reconnects += 1;
    return this.open();
  }

  #connect(onCaughtUp: () => void): void {
    const { url, query } = this.opening;
    const socket = new WebSocket(url, 'graphql-transport-ws', { perMessageDeflate: false });
    this.#socket = socket;
    const send = (message: object): void => socket.send(JSON.stringify(message));
    socket.on('open', () => send({ type: 'connection_init', payload: { authorization: `Bearer ${this.token}` } }));
    socket.on('error', () => undefined); // Its close says so, too.
    socket.on('close', () => {
      this.reconnects += 1;
      setTimeout(() => this.#connect(onCaughtUp), RETRY_MS);
    });
    socket.on('message', (data) => {
      const text = String(data);
      if (text.includes('"type":"next"')) this.#take(text, onCaughtUp);
      else if (text.includes('"type":"connection_ack"'))
        send({ id: '1', type: 'subscribe', payload: { query, variables: { after: this.#cursor ?? null } } });
      else if (text.includes('"type":"ping"')) send({ type: 'pong' });
      else if (text.includes('"type":"error"')) throw new Error(text);
    });
  }

  #take(text: string, onCaughtUp: () => void): void {
    if (text.includes('"ResyncRequired"')) this.resyncs += 1;
    const cursor = text.indexOf(CURSOR) + CURSOR.length;
    if (cursor >= CURSOR.length) this.#cursor = text.slice(cursor, text.indexOf('"', cursor));
    if (text.includes('"CaughtUp"')) onCaughtUp();
    const alert = text.indexOf(ALERT);
    if (alert < 0) return;
    const version = text.indexOf(VERSION, alert) + VERSION.length;
    const change = `${text.slice(alert + ALERT.length, alert + ALERT.length + UUID_LENGTH)} ${Number.parseInt(text.slice(version, version + 10), 10)}`;
    this.seen.set(change, (this.seen.get(change) ?? 0) + 1);
    this.changes += 1;
    this.onChange();
  }
}

let clients: FieldClient[] = [];
let delivered = 0;
let first: number | undefined;
let onDelivery: () => void = () => undefined;

function countDelivery(): void {
  first ??= performance.now();
  delivered += 1;
  onDelivery();
}

async function inGroups(work: (client: FieldClient) => Promise<void>): Promise<void> {
  for (let at = 0; at < clients.length; at += OPENED_AT_ONCE)
    await Promise.all(clients.slice(at, at + OPENED_AT_ONCE).map(work));
}

let expected = 0;

/** Resolves when so many more are there for each; what is there already counts. */
async function awaitChanges(changes: number): Promise<FleetAnswer> {
  expected += changes * clients.length;
  await new Promise<void>((resolve) => {
    onDelivery = () => {
      if (delivered >= expected) resolve();
    };
    onDelivery();
  });
  const ms = performance.now() - (first ?? Number.NaN);
  first = undefined;
  onDelivery = () => undefined;
  return { kind: 'delivered', ms };
}

function report(): FleetAnswer {
  const all = new Set(clients.flatMap((client) => [...client.seen.keys()]));
  const sum = (count: (client: FieldClient) => number): number =>
    clients.reduce((total, client) => total + count(client), 0);
  return {
    kind: 'report',
    delivered,
    lost: sum((client) => all.size - client.seen.size),
    twice: sum((client) => client.changes - client.seen.size),
    resyncs: sum((client) => client.resyncs),
    reconnects: sum((client) => client.reconnects),
  };
}

async function obey(order: FleetOrder): Promise<FleetAnswer> {
  if (order.kind === 'open') {
    clients = Array.from(
      { length: order.clients },
      (_, n) => new FieldClient(order, order.tokens[n % order.tokens.length] ?? '', countDelivery),
    );
    await inGroups((client) => client.open());
    return { kind: 'ready' };
  }
  if (order.kind === 'cut') {
    await inGroups((client) => client.cut());
    return { kind: 'ready' };
  }
  return order.kind === 'await' ? awaitChanges(order.changes) : report();
}

process.on('message', (order: FleetOrder) => {
  obey(order).then(
    (answer) => process.send?.(answer),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
