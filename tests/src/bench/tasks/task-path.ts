/** The whole way of tasks: from the commit of a request to its end at a reader of the results. */
import { setTimeout as wait } from 'node:timers/promises';
import { RESULT_STREAM } from '@aurorasoc/agents/tasks';
import type { Redis } from '@aurorasoc/kit/streams';
import { eventually } from '../../support/wait.js';
import type { TaskSite } from './task-site.js';

export interface PathOutcome {
  /** Whose commit was told. */
  readonly requested: number;
  readonly refused: number;
  readonly requestsPerSecond: number;
  /** From the commit of a request to its end at the reader, milliseconds. */
  readonly latencies: readonly number[];
  /** Ends that arrived more than once. */
  readonly repeated: number;
}

export class TaskPath {
  /** When each end arrived. */
  readonly #endedAt = new Map<string, number>();
  readonly #waiting = new Map<string, () => void>();
  readonly #reading: Promise<void>;
  #repeated = 0;
  #requested = 0;
  #refused = 0;
  #isOver = false;

  /** @param reader - of its own: it blocks. */
  constructor(
    private readonly site: TaskSite,
    private readonly reader: Redis,
  ) {
    this.#reading = this.#readResults();
  }

  /** Tasks that were requested so far. */
  get requested(): number {
    return this.#requested;
  }

  /** As fast as so many clients can that each wait for the end of one task before they request another. @returns ends a second */
  async saturate(clients: number, forMs: number): Promise<number> {
    const began = performance.now();
    let ends = 0;
    const ask = async (): Promise<void> => {
      while (performance.now() < began + forMs) {
        const request = await this.#request();
        if (request === undefined) continue;
        await this.#whenEnded(request.id);
        ends += 1;
      }
    };
    await Promise.all(Array.from({ length: clients }, ask));
    return ends / ((performance.now() - began) / 1_000);
  }

  /** Requests so many tasks a second, whatever becomes of them. */
  async follow(perSecond: number, forMs: number): Promise<PathOutcome> {
    const committedAt = new Map<string, number>();
    const [refused, repeated] = [this.#refused, this.#repeated];
    const began = performance.now();
    const requests: Promise<void>[] = [];
    const note = async (): Promise<void> => {
      const request = await this.#request();
      if (request !== undefined) committedAt.set(request.id, request.committingAt);
    };
    for (let at = began; at < began + forMs; at += 1_000 / perSecond) {
      await wait(Math.max(0, at - performance.now()));
      requests.push(note());
    }
    await Promise.all(requests);
    const requestsPerSecond = requests.length / ((performance.now() - began) / 1_000);
    await eventually(
      () => [...committedAt.keys()].filter((id) => !this.#endedAt.has(id)).length,
      (missing) => missing === 0,
      60_000,
    ).catch(() => undefined);
    const latencies = [...committedAt].flatMap(([id, at]) => {
      const ended = this.#endedAt.get(id);
      return ended === undefined ? [] : [ended - at];
    });
    return {
      requested: committedAt.size,
      refused: this.#refused - refused,
      requestsPerSecond,
      latencies,
      repeated: this.#repeated - repeated,
    };
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#reading;
  }

  /** @returns undefined when it is refused, as by a database that is too busy. */
  async #request(): Promise<{ id: string; committingAt: number } | undefined> {
    try {
      const request = await this.site.request();
      this.#requested += 1;
      return request;
    } catch {
      this.#refused += 1;
      return undefined;
    }
  }

  #whenEnded(task: string): Promise<void> {
    if (this.#endedAt.has(task)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.set(task, resolve));
  }

  #take(task: string): void {
    if (this.#endedAt.has(task)) this.#repeated += 1;
    this.#endedAt.set(task, performance.now());
    this.#waiting.get(task)?.();
    this.#waiting.delete(task);
  }

  /** As every replica reads the results: without a group, from now on. */
  async #readResults(): Promise<void> {
    const info = (await this.reader.xrevrange(RESULT_STREAM, '+', '-', 'COUNT', 1)) as [string, string[]][];
    for (let after = info[0]?.[0] ?? '0-0'; !this.#isOver; ) {
      const reply = (await this.reader.xread('COUNT', 500, 'BLOCK', 200, 'STREAMS', RESULT_STREAM, after)) as
        | [string, [string, string[]][]][]
        | null;
      for (const [id, fields] of reply?.[0]?.[1] ?? []) {
        after = id;
        this.#take(fields[fields.indexOf('subject') + 1] ?? '');
      }
    }
  }
}
