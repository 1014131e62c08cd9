/** Milliseconds of processor time that `work` took: what a bound on effort is held to, however busy the machine is. */
export function cpuMsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
