/** Which port each role gets. */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { AuroraError } from '@aurorasoc/kit/errors';
import { z } from 'zod';
import type { PortVariable, RoleDefinition } from '../roles/role-table.js';
import { isPortFree } from '../services/data-folder/ports.js';
import { writeFileAtomically } from '../services/data-folder/write-file-atomically.js';
import { hasErrorCode } from '../services/service-error.js';

export interface PortWishes {
  /** `auto`: free ports, kept from start to start as long as nobody else takes them. */
  readonly mode: 'fixed' | 'auto';
  /** First port per role's variable; 0 asks for a free one. */
  readonly wanted: Readonly<Record<PortVariable, number>>;
  /** Remembers what `auto` chose. */
  readonly file: string;
}

export type PortPlan = Readonly<Record<string, number>>;

/** Below what Linux and macOS give to outgoing connections; as for the embedded services. */
const FIRST_PORT = 15_000;
const LAST_PORT = 31_800;
const portsSchema = z.record(z.string(), z.int().min(1).max(65_535));

/**
 * @returns the first port of each role, by its name.
 * @throws AuroraError `PORT_TAKEN` naming the port and the variable that moves it; `CONFIGURATION_INVALID` when two roles
 *   were given the same one.
 */
export async function planPorts(roles: readonly RoleDefinition[], wishes: PortWishes): Promise<PortPlan> {
  const isFree = ({ portVariable }: RoleDefinition): boolean =>
    wishes.mode === 'auto' || portVariable === undefined || wishes.wanted[portVariable] === 0;
  const plan: Record<string, number> = {};
  for (const role of roles.filter((candidate) => !isFree(candidate))) {
    const wanted = role.portVariable === undefined ? 0 : wishes.wanted[role.portVariable];
    plan[role.name] = await takeWanted(role, wanted, portsOf(roles, plan));
  }
  const chosen: Record<string, number> = {};
  const earlier = readPorts(wishes.file);
  for (const role of roles.filter(isFree)) {
    chosen[role.name] = await chooseFree(role, earlier[role.name], portsOf(roles, { ...plan, ...chosen }));
  }
  if (Object.keys(chosen).length > 0) writeFileAtomically(wishes.file, JSON.stringify({ ...earlier, ...chosen }));
  return { ...plan, ...chosen };
}

async function takeWanted(role: RoleDefinition, first: number, planned: ReadonlyMap<number, string>): Promise<number> {
  for (const port of portsFrom(role, first)) {
    const other = planned.get(port);
    if (other !== undefined) {
      throw new AuroraError({
        code: 'CONFIGURATION_INVALID',
        ...fieldOf(role),
        publicMessage: `${role.name} and ${other} would both use port ${port}; choose another with ${role.portVariable}=<port>`,
      });
    }
    if (!(await isPortFree(port))) throw portTaken(role, port);
  }
  return first;
}

export function portTaken(role: RoleDefinition, port: number): AuroraError {
  return new AuroraError({
    code: 'PORT_TAKEN',
    ...fieldOf(role),
    publicMessage: `Port ${port} of ${role.name} is taken by another program; end that, or choose another port with ${role.portVariable}=<port>`,
  });
}

function fieldOf({ portVariable }: RoleDefinition): { field?: string } {
  return portVariable === undefined ? {} : { field: portVariable };
}

async function chooseFree(
  role: RoleDefinition,
  earlier: number | undefined,
  planned: ReadonlyMap<number, string>,
): Promise<number> {
  for (let first = earlier ?? randomPort(); ; first = randomPort()) {
    const ports = portsFrom(role, first);
    const areFree = await Promise.all(ports.map((port) => !planned.has(port) && isPortFree(port)));
    if (areFree.every(Boolean)) return first;
  }
}

function randomPort(): number {
  return randomInt(FIRST_PORT, LAST_PORT + 1);
}

function portsFrom(role: RoleDefinition, first: number): number[] {
  return role.portOffsets.map((offset) => first + offset);
}

/** Every port of the plan, with whose it is. */
function portsOf(roles: readonly RoleDefinition[], plan: PortPlan): Map<number, string> {
  return new Map(
    roles.flatMap((role) => {
      const first = plan[role.name];
      return first === undefined ? [] : portsFrom(role, first).map((port) => [port, role.name] as const);
    }),
  );
}

/** Ports can be chosen anew at any time, so a file that is absent or damaged is an empty one. */
function readPorts(file: string): PortPlan {
  try {
    return portsSchema.safeParse(JSON.parse(readFileSync(file, 'utf8'))).data ?? {};
  } catch (error) {
    if (error instanceof SyntaxError || hasErrorCode(error, 'ENOENT')) return {};
    throw error;
  }
}
