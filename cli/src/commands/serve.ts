import { loadRole, type RoleOptions } from '../roles/load-role.js';

/** `aurora serve`: one role in this process, configured by its environment alone. @throws AuroraError as `loadRole` does. */
export async function serve({ role, ...options }: RoleOptions & { readonly role: string }): Promise<void> {
  const run = await loadRole(role, options);
  await run();
}
