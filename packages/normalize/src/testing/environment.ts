/** Folder of foreign test data, read by the conformance specs only; without it they are skipped. */
export function readFixturesFolder(): string | undefined {
  return process.env.AURORA_FIXTURES || undefined;
}
