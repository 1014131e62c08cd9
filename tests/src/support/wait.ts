/** Waiting for what must become true: polls, and fails with what was last seen. */
export async function eventually<T>(
  read: () => Promise<T> | T,
  isDone: (value: T) => boolean,
  timeoutMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await read();
    if (isDone(value)) return value;
    if (Date.now() > deadline)
      throw new Error(`Not reached within ${timeoutMs} ms; last seen: ${JSON.stringify(value)?.slice(-1_500)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
