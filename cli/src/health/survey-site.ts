/** How every process and service of a site is, asked of each directly. */
import type { RoleState, ServiceState, SiteState } from '../home/site-state.js';
import { isAlive } from '../services/process/process-identity.js';
import { answersAsMqtt, answersAsPostgres, answersAsRedis, askHealth, type HealthAnswer } from './probe.js';

export interface ProcessReport {
  readonly name: string;
  readonly kind: 'role' | 'service';
  /** `up`: it runs and says or shows that it works. `degraded`: it works in part. `down`: everything else. */
  readonly state: 'up' | 'degraded' | 'down';
  /** What the supervisor is doing with it. */
  readonly supervised: RoleState['state'] | 'external';
  readonly pid?: number;
  readonly port: number;
  readonly since: string;
  readonly restarts: number;
  /** Why it is not up. */
  readonly problem?: string;
  /** What it says about its parts. */
  readonly components?: HealthAnswer['components'];
}

const ANSWERS: Readonly<Record<string, (host: string, port: number) => Promise<boolean>>> = {
  postgres: answersAsPostgres,
  redis: answersAsRedis,
  mosquitto: answersAsMqtt,
};

/** Services first. */
export function surveySite({ services, roles }: SiteState): Promise<readonly ProcessReport[]> {
  return Promise.all([
    ...Object.entries(services).map(([name, service]) => surveyService(name, service)),
    ...Object.entries(roles).map(([name, role]) => surveyRole(name, role)),
  ]);
}

async function surveyRole(name: string, role: RoleState): Promise<ProcessReport> {
  const common = { name, kind: 'role', supervised: role.state, ...factsOf(role) } as const;
  const absence = whyAbsent(role);
  if (absence !== undefined) return { ...common, state: 'down', problem: absence };
  const answer = await askHealth(role.healthUrl);
  if ('problem' in answer) return { ...common, state: 'down', problem: answer.problem };
  const { state, components } = answer.health;
  const troubled = Object.entries(components).filter(([, component]) => component.state !== 'up');
  const problem = troubled.map(
    ([part, { state: its, reason }]) => `${part} ${its}${reason === undefined ? '' : ` (${reason})`}`,
  );
  return { ...common, state, components, ...(problem.length === 0 ? {} : { problem: problem.join('; ') }) };
}

async function surveyService(name: string, service: ServiceState): Promise<ProcessReport> {
  const supervised = service.isExternal ? 'external' : service.state;
  const common = { name, kind: 'service', supervised, ...factsOf(service) } as const;
  const absence = service.isExternal ? undefined : whyAbsent(service);
  if (absence !== undefined) return { ...common, state: 'down', problem: absence };
  const answers = ANSWERS[name];
  if (answers === undefined || (await answers(service.host, service.port))) return { ...common, state: 'up' };
  return { ...common, state: 'down', problem: `does not answer on ${service.host}:${service.port}` };
}

function whyAbsent({ state, process }: RoleState | ServiceState): string | undefined {
  if (process !== undefined && isAlive(process)) return undefined;
  return state === 'stopped' ? 'stopped' : 'not running';
}

function factsOf({ process, port, since, restarts }: RoleState | ServiceState) {
  return { ...(process === undefined ? {} : { pid: process.pid }), port, since, restarts };
}
