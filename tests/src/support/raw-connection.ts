/** Bytes on a socket, for what no HTTP client would send. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export async function openRaw(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  socket.write(text);
  return socket;
}

/** A GET of a target that may be anything; @param headers - further lines, each with its CR LF. */
export const getRequest = (target: string, headers = ''): string =>
  `GET ${target} HTTP/1.1\r\nhost: a\r\n${headers}\r\n`;

export const UPGRADE_HEADERS =
  'connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n';
