/** `npm start` as a person runs it, watched from outside: its output, its processes, its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

export interface NpmStartOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs as this user. */
  readonly uid: number | undefined;
}

export interface NpmRun {
  readonly output: string;
  readonly errors: string;
  /** Every process seen below it so far. */
  readonly pids: readonly number[];
  readonly supervisorPid: number;
  /** Resolves when it says that it is ready. */
  ready(timeoutMs: number): Promise<void>;
  /** Ctrl-C: the terminal sends SIGINT to the whole group. */
  interrupt(): Promise<void>;
  exited(timeoutMs: number): Promise<number | null>;
  /** Asks the graph with a profile's token. */
  query(document: string, profile: string): Promise<unknown>;
}

export function npmStart(options: NpmStartOptions): NpmRun {
  const user = options.uid === undefined ? {} : { uid: options.uid, gid: options.uid };
  const child = spawn('npm', ['start'], {
    cwd: options.cwd,
    env: { ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...user,
  });
  return new WatchedRun(child, options.cwd);
}

class WatchedRun implements NpmRun {
  output = '';
  errors = '';
  readonly #pids = new Set<number>();
  #code: number | null | undefined;

  constructor(
    private readonly child: ChildProcess,
    private readonly cwd: string,
  ) {
    child.stdout?.on('data', (chunk: Buffer) => {
      this.output += chunk.toString('utf8');
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.errors += chunk.toString('utf8');
    });
    const watch = setInterval(() => this.#look(), 250);
    child.on('close', (code) => {
      clearInterval(watch);
      this.#code = code;
    });
  }

  get pids(): number[] {
    return [...this.#pids];
  }

  get supervisorPid(): number {
    const state = JSON.parse(readFileSync(join(this.cwd, '.aurora', 'run', 'state.json'), 'utf8')) as {
      supervisor?: { pid: number };
      pid?: number;
    };
    return state.supervisor?.pid ?? state.pid ?? 0;
  }

  async ready(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!/\bready\b/i.test(this.output)) {
      if (this.#code !== undefined)
        throw new Error(`npm start ended with ${this.#code}: ${tail(this.output + this.errors)}`);
      if (Date.now() > deadline)
        throw new Error(`not ready after ${timeoutMs / 1_000} s: ${tail(this.output + this.errors)}`);
      await wait(100);
    }
    this.#look();
  }

  async interrupt(): Promise<void> {
    if (this.#code === undefined && this.child.pid !== undefined) process.kill(-this.child.pid, 'SIGINT');
    await this.exited(60_000);
  }

  async exited(timeoutMs: number): Promise<number | null> {
    const deadline = Date.now() + timeoutMs;
    while (this.#code === undefined) {
      if (Date.now() > deadline)
        throw new Error(`npm start still runs after ${timeoutMs / 1_000} s: ${tail(this.output + this.errors)}`);
      await wait(50);
    }
    return this.#code;
  }

  async query(document: string, profile: string): Promise<unknown> {
    const { profiles } = JSON.parse(readFileSync(join(this.cwd, '.aurora', 'credentials.json'), 'utf8')) as {
      profiles: Record<string, { url: string; token: string }>;
    };
    const { url = '', token = '' } = profiles[profile] ?? {};
    const response = await fetch(`${url.replace(/\/graphql$/, '')}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: document }),
    });
    return ((await response.json()) as { data?: unknown }).data;
  }

  #look(): void {
    for (const pid of pidsOfTree(this.child.pid ?? 0)) this.#pids.add(pid);
  }
}

function tail(text: string): string {
  return text.trim().slice(-800);
}

/** A process and everything below it, by /proc. */
export function pidsOfTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It ended between the two looks.
    }
  }
  const tree = [root];
  for (const pid of tree) for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  return tree;
}

/** @returns those that still run after the time; zombies do not count. */
export async function endedWithin(pids: readonly number[], timeoutMs: number): Promise<number[]> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const left = pids.filter(isRunning);
    if (left.length === 0 || Date.now() > deadline) return left;
    await wait(50);
  }
}

function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}
