/** Which port each role gets. */
import { AuroraError } from '@aurorasoc/kit/errors';
import { LOOPBACK, type PortGroup, type PortVariable, portGroups, type RoleDefinition } from '../roles/role-table.js';
import { choosePorts, isPortFree, isUdpPortFree, readPorts } from '../services/data-folder/ports.js';
import { writeFileAtomically } from '../services/data-folder/write-file-atomically.js';

export interface PortWishes {
  /** `auto`: free ports, kept from start to start as long as nobody else takes them. */
  readonly mode: 'fixed' | 'auto';
  /** First port per variable; 0 asks for a free one, `off` for none. */
  readonly wanted: Readonly<Record<PortVariable, number | 'off'>>;
  /** Where doors listen; a port may be free on loopback and taken there. */
  readonly host: string;
  /** Remembers what `auto` chose. */
  readonly file: string;
}

export type PortPlan = Readonly<Record<string, number>>;

/**
 * @returns the first port of each group, by its name; none for one that is off.
 * @throws AuroraError `PORT_TAKEN` naming every taken port and the variable that moves it; `CONFIGURATION_INVALID` when two
 *   roles were given the same one.
 */
export async function planPorts(roles: readonly RoleDefinition[], wishes: PortWishes): Promise<PortPlan> {
  const groups = portGroups(roles).flatMap((group) => {
    const wanted = group.portVariable === undefined ? 0 : wishes.wanted[group.portVariable];
    return wanted === 'off' ? [] : [{ group, wanted: wishes.mode === 'auto' ? 0 : wanted }];
  });
  const portsIn = (part: PortPlan) => portsOf(portGroups(roles), part);
  const plan: Record<string, number> = {};
  const taken: TakenPort[] = [];
  for (const { group, wanted } of groups.filter((planned) => planned.wanted !== 0)) {
    throwIfShared(group, wanted, portsIn(plan));
    plan[group.name] = wanted;
    taken.push(...(await findTaken(group, wanted, wishes.host)));
  }
  if (taken.length > 0) throw portsTaken(taken);
  const chosen: Record<string, number> = {};
  const earlier = readPorts(wishes.file);
  for (const { group } of groups.filter((planned) => planned.wanted === 0)) {
    const planned = portsIn({ ...plan, ...chosen });
    chosen[group.name] = await choosePorts(group.portOffsets, earlier[group.name], (port) => planned.has(port));
  }
  if (Object.keys(chosen).length > 0) writeFileAtomically(wishes.file, JSON.stringify({ ...earlier, ...chosen }));
  return { ...plan, ...chosen };
}

export interface TakenPort {
  readonly role: PortGroup;
  readonly port: number;
}

function throwIfShared(role: PortGroup, first: number, planned: ReadonlyMap<number, string>): void {
  for (const port of portsFrom(role, first)) {
    const other = planned.get(port);
    if (other === undefined) continue;
    throw new AuroraError({
      code: 'CONFIGURATION_INVALID',
      ...fieldOf(role),
      publicMessage: `${role.name} and ${other} would both use port ${port}; choose another with ${role.portVariable}=<port>`,
    });
  }
}

/** Those of a group's ports that it cannot bind where it listens, `host` for doors. */
export async function findTaken(role: PortGroup, first: number, host: string): Promise<readonly TakenPort[]> {
  const ports = portsFrom(role, first);
  const address = role.isDoor ? host : LOOPBACK;
  const areFree = await Promise.all(
    ports.map(async (port) => (await isPortFree(port, address)) && (!role.takesUdp || isUdpPortFree(port, address))),
  );
  return ports.filter((_, index) => areFree[index] === false).map((port) => ({ role, port }));
}

/** All at once, so that a person with several taken ones does not find them start by start. */
function portsTaken(taken: readonly TakenPort[]): AuroraError {
  const [first] = taken;
  const what =
    taken.length === 1
      ? `Port ${first?.port} of ${first?.role.name} is taken by another program; end that, choose another port with ${first?.role.portVariable}=<port>`
      : `These ports are taken by other programs: ${taken.map(describeTaken).join(', ')}; end those, choose other ports`;
  return new AuroraError({
    code: 'PORT_TAKEN',
    ...(taken.length === 1 && first !== undefined ? fieldOf(first.role) : {}),
    publicMessage: `${what}, or have every port chosen with AURORA_PORTS=auto`,
  });
}

function describeTaken({ role, port }: TakenPort): string {
  return `${port} of ${role.name} (${role.portVariable}=<port>)`;
}

function fieldOf({ portVariable }: PortGroup): { field?: string } {
  return portVariable === undefined ? {} : { field: portVariable };
}

function portsFrom(role: PortGroup, first: number): number[] {
  return role.portOffsets.map((offset) => first + offset);
}

/** Every port of the plan, with whose it is. */
function portsOf(roles: readonly PortGroup[], plan: PortPlan): Map<number, string> {
  return new Map(
    roles.flatMap((role) => {
      const first = plan[role.name];
      return first === undefined ? [] : portsFrom(role, first).map((port) => [port, role.name] as const);
    }),
  );
}
