/**
 * A supervisor to be killed by tests. Takes its options as JSON, prints one JSON line once the services serve or have failed
 * to, stops them in order when its standard input ends.
 */
import { ServiceError } from '../service-error.js';
import { type ServicesOptions, startServices } from '../start-services.js';

const options: Omit<ServicesOptions, 'log'> = JSON.parse(process.argv[2] ?? '{}');
const lines: string[] = [];

try {
  const running = await startServices({ ...options, log: (line) => void lines.push(line) });
  const { postgres, redis, pids } = running;
  console.log(JSON.stringify({ postgres, redis, pids, lines }));
  process.stdin.resume().once('end', () => void running.stop().then(() => process.exit(0)));
} catch (error) {
  if (!(error instanceof ServiceError)) throw error;
  console.log(JSON.stringify({ error: { code: error.code, message: error.publicMessage }, lines }));
}
