import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const PROBE_TIMEOUT_MS = 2_000;
/** Of CONNECT and CONNACK in MQTT v5, chapters 3.1 and 3.2. */
const CONNECT = 0x10;
const CONNACK = 0x20;
const PROTOCOL_V5 = 5;
const CLEAN_START = 0x02;
const WITH_LOGIN = 0xc0;
const KEEP_ALIVE_SECONDS = 10;

/** Reason codes of a CONNACK that callers tell apart; all from 0x80 on are refusals. */
export const CONNECTED = 0x00;

/**
 * Opens an MQTT v5 connection and closes it again. Written by hand: one packet each way needs no client, and one that
 * reconnects by itself would be in the way.
 *
 * @param url - `mqtt:` or `mqtts:`, with a login or without.
 * @returns the broker's reason code, {@link CONNECTED} when it let us in; undefined when no MQTT v5 broker answers.
 */
export function shakeHands(url: string): Promise<number | undefined> {
  const { protocol, hostname, port, username, password } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const isTls = protocol === 'mqtts:';
  const target = { host, port: Number(port) || (isTls ? 8883 : 1883) };
  return new Promise((resolve) => {
    const socket = isTls ? connectTls(target) : connect(target);
    let answer = Buffer.alloc(0);
    const finish = (reason: number | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(reason);
    };
    const timer = setTimeout(() => finish(undefined), PROBE_TIMEOUT_MS);
    socket.once(isTls ? 'secureConnect' : 'connect', () =>
      socket.write(connectPacket(decodeURIComponent(username), decodeURIComponent(password))),
    );
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer[0] !== CONNACK) finish(undefined);
      const lengthEnd = answer.findIndex((byte, at) => at > 0 && byte < 0x80);
      // Behind the length: flags, then the reason.
      const reason = lengthEnd < 0 ? undefined : answer[lengthEnd + 2];
      if (reason !== undefined) finish(reason);
    });
    socket.once('close', () => finish(undefined));
    socket.once('error', () => finish(undefined));
  });
}

function connectPacket(username: string, password: string): Buffer {
  const hasLogin = username !== '';
  const body = Buffer.concat([
    text('MQTT'),
    Buffer.from([PROTOCOL_V5, CLEAN_START | (hasLogin ? WITH_LOGIN : 0), 0, KEEP_ALIVE_SECONDS]),
    Buffer.from([0]), // no properties
    text(''), // the broker gives the client a name
    ...(hasLogin ? [text(username), text(password)] : []),
  ]);
  return Buffer.concat([Buffer.from([CONNECT, ...variableLength(body.byteLength)]), body]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([bytes.byteLength >> 8, bytes.byteLength & 0xff]), bytes]);
}

function variableLength(length: number): number[] {
  return length < 0x80 ? [length] : [(length & 0x7f) | 0x80, ...variableLength(length >> 7)];
}
