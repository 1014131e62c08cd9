/** Who asks: always one tenant, one subject, and the scopes that the token grants. The tenant comes from the token only. */
import { z } from 'zod';

/** Scopes in the form `<domain>:<right>`. */
export const SCOPES = [
  'events:read',
  'events:write',
  'alerts:read',
  'alerts:write',
  'rules:read',
  'rules:write',
  'agents:read',
  'agents:run',
  'agents:delegate',
  'site:read',
  'site:operate',
  'memory:read',
  'memory:write',
  'playbooks:read',
  'playbooks:write',
  'devices:read',
  'devices:write',
  'site:administer',
] as const;
export type Scope = (typeof SCOPES)[number];

/**
 * Scopes that people and integrators of a tenant can hold. `agents:delegate` belongs to a running investigation alone, and
 * `site:administer` reaches beyond the holder's tenant.
 */
const GRANTABLE: readonly Scope[] = SCOPES.filter(
  (scope) => scope !== 'agents:delegate' && scope !== 'site:administer',
);
const READING: readonly Scope[] = GRANTABLE.filter((scope) => scope.endsWith(':read'));

/** What each role may do. */
export const ROLE_SCOPES = {
  viewer: READING,
  analyst: [...READING, 'alerts:write', 'agents:run', 'memory:write'],
  responder: [...READING, 'alerts:write', 'agents:run', 'memory:write', 'devices:write'],
  lead: [
    ...READING,
    'alerts:write',
    'agents:run',
    'rules:write',
    'site:operate',
    'memory:write',
    'playbooks:write',
    'devices:write',
  ],
  admin: GRANTABLE,
  integrator: [...READING, 'events:write'],
  service: [...READING, 'events:write'],
  /** Not an admin of any tenant's data, but of which tenants there are. */
  'site-admin': ['site:read', 'site:administer'],
} as const satisfies Record<string, readonly Scope[]>;
export type Role = keyof typeof ROLE_SCOPES;
export const ROLES = Object.keys(ROLE_SCOPES) as [Role, ...Role[]];

/** Such as `the scope site:operate, which lead and admin have`: people know roles. */
export function nameScope(scope: Scope): string {
  const roles = ROLES.filter((role) => (ROLE_SCOPES[role] as readonly Scope[]).includes(scope));
  return roles.length === 0
    ? `the scope ${scope}, which no role has`
    : `the scope ${scope}, which ${new Intl.ListFormat('en').format(roles)} ${roles.length === 1 ? 'has' : 'have'}`;
}

export const principalSchema = z.object({
  tenant: z.uuid(),
  subject: z.string().min(1).max(200),
  kind: z.enum(['user', 'agent', 'service', 'device', 'site']),
  scopes: z.array(z.enum(SCOPES)),
  /** RFC 8693 `act`: the agent that acts for the subject. */
  actor: z.string().optional(),
  /** The investigation that an agent acts in; what an agent may change is checked against it. Nobody else's token names one. */
  investigation: z.uuid().optional(),
});
export type Principal = Readonly<z.output<typeof principalSchema>>;

/** Equal for principals that may share reads and subscriptions, different for all others. */
export function sharingKey(principal: Principal): string {
  return JSON.stringify([
    principal.tenant,
    principal.subject,
    principal.kind,
    principal.actor ?? null,
    principal.investigation ?? null,
    [...principal.scopes].sort(),
  ]);
}

/** Who the principal's changes are said to come from. */
export function actorOf({ kind, subject }: Principal): Pick<Principal, 'kind'> & { readonly id: string } {
  return { kind, id: subject };
}

export function hasScope(principal: Principal, scope: Scope): boolean {
  return principal.scopes.includes(scope);
}
