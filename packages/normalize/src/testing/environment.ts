/** Folder of foreign test data, read by the conformance specs only; without it they are skipped. */
export function readFixturesFolder(): string | undefined {
  // biome-ignore lint/style/noProcessEnv: the one file of this package that may.
  return process.env.AURORA_FIXTURES || undefined;
}
