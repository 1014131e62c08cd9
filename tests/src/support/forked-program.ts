/** Programs of the tests in processes of their own, so that what they do costs nobody time whose time is measured. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export interface Forked {
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

/** @param name - of a program in the tests' sources, such as `soak/crowd/slow-reader`. */
export function forkProgram(name: string): Forked {
  const file = fileURLToPath(new URL(`../../dist/${name}.js`, import.meta.url));
  const child = fork(file, [], { env: {}, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return {
    child,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Gives an order that is answered by one message. */
export function tell<Order extends object, Answer>(program: Forked, order: Order): Promise<Answer> {
  const answer = nextMessage<Answer>(program);
  program.child.send(order);
  return answer;
}

/** The program's next message; rejects when it ends instead. */
export async function nextMessage<T>({ child }: Forked): Promise<T> {
  const over = new AbortController();
  try {
    return await Promise.race([
      once(child, 'message', { signal: over.signal }).then(([message]) => message as T),
      once(child, 'exit', { signal: over.signal }).then(() =>
        Promise.reject(new Error(`${child.spawnfile} ${child.spawnargs.at(-1)} ended`)),
      ),
    ]);
  } finally {
    over.abort();
  }
}
