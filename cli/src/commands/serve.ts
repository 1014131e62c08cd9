import { loadRole } from '../roles/load-role.js';

/** `aurora serve`: one role in this process, configured by its environment alone. @throws AuroraError `UNKNOWN_ROLE` */
export async function serve(role: string): Promise<void> {
  const run = await loadRole(role);
  await run();
}
