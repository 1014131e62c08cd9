/**
 * `npm start` on a machine that has nothing: a fresh clone, no packages, empty caches, no variables but
 * `AURORA_SERVICES=fetch`, no PostgreSQL, Redis, NATS or Mosquitto on PATH; as root (where this runs as root) and as an
 * ordinary user.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeBarePath } from '../support/bare-path.js';
import { networkVariables } from '../support/environment.js';
import { endedWithin, type NpmRun, npmStart, pidsOfTree } from '../support/npm-run.js';
import { eventually } from '../support/wait.js';

export interface StartSoakOutcome {
  readonly name: 'start';
  readonly met: boolean;
  readonly passed: number;
  readonly total: number;
  readonly failures: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

interface Person {
  readonly name: 'root' | 'ordinary user';
  readonly uid: number | undefined;
}

const NOBODY = 65_534;
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export async function soakStart(): Promise<StartSoakOutcome> {
  const people: Person[] =
    process.getuid?.() === 0
      ? [
          { name: 'root', uid: undefined },
          { name: 'ordinary user', uid: NOBODY },
        ]
      : [{ name: 'ordinary user', uid: undefined }];
  const results = new Map<string, string | undefined>();
  const figures: Record<string, number> = {};
  for (const person of people) {
    const machine = new BareMachine(person);
    try {
      for (const [name, check] of Object.entries(CHECKS)) {
        console.log(`${person.name}: ${name}`);
        results.set(`${person.name}: ${name}`, await attempt(() => check(machine, figures)));
        await machine.endRuns();
      }
    } finally {
      machine.remove();
    }
  }
  const failures = [...results]
    .filter(([, failure]) => failure !== undefined)
    .map(([name, failure]) => `${name}: ${failure}`);
  return {
    name: 'start',
    met: failures.length === 0,
    passed: results.size - failures.length,
    total: results.size,
    failures,
    figures,
  };
}

async function attempt(check: () => Promise<void>): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A folder that stands for a machine: clone, home, caches, PATH. */
class BareMachine {
  readonly folder = mkdtempSync(join(tmpdir(), 'aurora-start-'));
  readonly clone = join(this.folder, 'clone');
  readonly path: string;
  readonly #runs: NpmRun[] = [];

  constructor(readonly person: Person) {
    chmodSync(this.folder, 0o755);
    this.path = makeBarePath(join(this.folder, 'bin'));
    mkdirSync(join(this.folder, 'home'));
    execFileSync('git', ['clone', '--quiet', ROOT, this.clone]);
    if (person.uid !== undefined) {
      chownSync(join(this.folder, 'home'), person.uid, person.uid);
      execFileSync('chown', ['-R', `${person.uid}:${person.uid}`, this.clone]);
    }
  }

  start(variables: Readonly<Record<string, string>> = {}, path = this.path): NpmRun {
    const home = join(this.folder, 'home');
    const run = npmStart({
      cwd: this.clone,
      uid: this.person.uid,
      env: { PATH: path, HOME: home, AURORA_SERVICES: 'fetch', ...registryVariables(), ...variables },
    });
    this.#runs.push(run);
    return run;
  }

  /** A check that failed may have left its run behind, which would be in the way of the next one. */
  async endRuns(): Promise<void> {
    for (const run of this.#runs.splice(0)) await run.interrupt();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Where the machine's npm fetches packages is a fact of the network, not of the product. */
function registryVariables(): Record<string, string> {
  const { stdout } = spawnSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' });
  return {
    ...networkVariables(),
    npm_config_registry: stdout.trim(),
  };
}

const CHECKS: Readonly<Record<string, (machine: BareMachine, figures: Record<string, number>) => Promise<void>>> = {
  'a fresh clone reaches ready and says where to go': async (machine, figures) => {
    const run = machine.start();
    const began = Date.now();
    await run.ready(600_000);
    figures[`${machine.person.name} first start seconds`] = seconds(began);
    must(/http:\/\/\S+:\d+\/graphql/.test(run.output), 'the gateway’s URL is not printed');
    must(/aurora_[a-z0-9]{12}_[\w-]{43}/.test(run.output), 'no login token is printed');
    must(/tail --sample/.test(run.output), 'no line to follow the sample is printed');
    await eventually(
      () => alertsOfSample(run),
      (count) => count > 0,
      60_000,
    );
    await run.interrupt();
    must((await endedWithin(run.pids, 25_000)).length === 0, 'processes are left after Ctrl-C');
  },
  'the second start is ready within 25 s, with its data': async (machine, figures) => {
    const run = machine.start();
    const began = Date.now();
    await run.ready(60_000);
    const took = seconds(began);
    figures[`${machine.person.name} second start seconds`] = took;
    must(took <= 25, `it took ${took} s`);
    must((await alertsOfSample(run)) > 0, 'the alerts of the sample are gone');
    await run.interrupt();
    must((await endedWithin(run.pids, 25_000)).length === 0, 'processes are left after Ctrl-C');
  },
  'after kill -9 of the supervisor its children are gone within 5 s, and the next start works': async (
    machine,
    figures,
  ) => {
    const run = machine.start();
    await run.ready(60_000);
    const children = pidsOfTree(run.supervisorPid).filter((pid) => pid !== run.supervisorPid);
    must(children.length > 5, `only ${children.length} children were found`);
    const began = Date.now();
    process.kill(run.supervisorPid, 'SIGKILL');
    const left = await endedWithin(children, 5_000);
    figures[`${machine.person.name} children gone after seconds`] = seconds(began);
    must(left.length === 0, `${left.length} children are left`);
    const next = machine.start();
    await next.ready(60_000);
    await next.interrupt();
    must((await endedWithin(next.pids, 25_000)).length === 0, 'processes are left after Ctrl-C of the next start');
  },
  'a taken port is one clear line': async (machine) => {
    const server = createServer();
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(8_000, '127.0.0.1', resolve));
    try {
      await mustRefuse(machine.start(), /8000/);
    } finally {
      server.close();
    }
  },
  'a bad variable is one clear line': (machine) => mustRefuse(machine.start({ PORT: 'eight' }), /PORT/),
  'no package manager is one clear line': async (machine) => {
    const path = makeBarePath(join(machine.folder, 'bin-without-apt'), ['apt-get', 'apt', 'dpkg-deb', 'dpkg']);
    await mustRefuse(
      machine.start({ XDG_CACHE_HOME: join(machine.folder, 'home', 'empty-cache') }, path),
      /apt|brew|docker/i,
    );
  },
};

async function alertsOfSample(run: NpmRun): Promise<number> {
  const answer = (await run.query('{ alertCount }', 'sample')) as { alertCount?: number } | undefined;
  return answer?.alertCount ?? 0;
}

async function mustRefuse(run: NpmRun, expected: RegExp): Promise<void> {
  const code = await run.exited(120_000);
  must(code !== 0, 'it started all the same');
  const lines = run.errors.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('npm '));
  must(
    lines.some((line) => expected.test(line)),
    `nothing says why: ${lines.join(' | ').slice(0, 500)}`,
  );
  must(lines.length <= 2, `it takes ${lines.length} lines: ${lines.join(' | ').slice(0, 500)}`);
  must((await endedWithin(run.pids, 5_000)).length === 0, 'processes are left');
}

function must(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}

function seconds(began: number): number {
  return Math.round((Date.now() - began) / 100) / 10;
}
