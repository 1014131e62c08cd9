/**
 * The tenants that every site has from its first start. Their ids are fixed, so that a backup, a second machine or
 * a script meets the same ones.
 */
export const TENANTS = {
  /** Yours: what you send goes here. */
  local: '00000000-0000-8000-8000-000000000001',
  /** The guided sample: invented events of the product's own, kept apart from everything real. */
  sample: '00000000-0000-8000-8000-000000000002',
  /** Where `aurora status --check` sends its probes. */
  check: '00000000-0000-8000-8000-000000000003',
} as const;

/** Its name, or its id when an installation has not got it from the first start. */
export function nameTenant(id: string): string {
  return Object.entries(TENANTS).find(([, tenant]) => tenant === id)?.[0] ?? id;
}

export type ProfileName = keyof typeof TENANTS;
export const PROFILE_NAMES = Object.keys(TENANTS) as [ProfileName, ...ProfileName[]];
