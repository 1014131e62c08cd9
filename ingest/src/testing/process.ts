/** The built role as a process of its own, to be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TestFolder } from './site.js';

const BUILT = fileURLToPath(new URL('../../dist/index.js', import.meta.url));
const RUN = `import { runIngest } from ${JSON.stringify(BUILT)}; await runIngest();`;

export interface IngestProcess {
  readonly port: number;
  /** Undefined unless the environment asks for syslog. */
  readonly syslogPort: number | undefined;
  /** Sends a signal and resolves with the exit code, null after SIGKILL. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
}

export interface ProcessOptions {
  /** Largest file that the process may write, in KiB: what a full disk looks like without filling one. */
  readonly maxFileKib?: number;
  /** Further variables. */
  readonly environment?: Readonly<Record<string, string>>;
}

export async function startProcess(
  folder: TestFolder,
  redisUrl: string,
  options: ProcessOptions = {},
): Promise<IngestProcess> {
  const limit = options.maxFileKib === undefined ? '' : `ulimit -f ${options.maxFileKib * 2}; `;
  const child = spawn('/bin/sh', ['-c', `${limit}exec "$0" --input-type=module -e "$1"`, process.execPath, RUN], {
    env: {
      INGEST_PORT: '0',
      REDIS_URL: redisUrl,
      AURORA_API_KEYS_FILE: folder.apiKeysFile,
      INGEST_SPOOL_DIR: folder.spoolFolder,
      ...options.environment,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const isSyslogWanted = options.environment?.INGEST_SYSLOG_TENANT !== undefined;
  const [port, syslogPort] = await Promise.all([
    portFromLog(child, 'Accepting events'),
    isSyslogWanted ? portFromLog(child, 'Accepting syslog') : undefined,
  ]);
  return {
    port,
    syslogPort,
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

async function portFromLog(child: ChildProcess, message: string): Promise<number> {
  const line = new RegExp(`"port":(\\d+),"msg":"${message}`);
  let log = '';
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`ingest ended with ${code}: ${log}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      const port = line.exec(log)?.[1];
      if (port !== undefined) resolve(Number(port));
    });
  });
}
