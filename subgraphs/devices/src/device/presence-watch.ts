/** Looks for devices that fell silent. Replicas may look at once: the row's lock lets one of them say it. */
import type { Database } from '@aurorasoc/kit/database';
import { AuroraError, describeError, isConnectionError } from '@aurorasoc/kit/errors';
import type { Logger } from '@aurorasoc/kit/log';
import type { DeviceLog } from './device-log.js';
import type { Hearing } from './hearing.js';
import { endDeafness, findSilent, forgetErased, markSilent } from './presence.js';

export interface PresenceWatchOptions {
  readonly database: Database;
  readonly deviceLog: DeviceLog;
  readonly log: Logger;
  /** Milliseconds. */
  readonly graceMs: number;
  readonly hearing: (now: Date) => Promise<Hearing>;
}

/** Looks are at most so far apart, milliseconds. */
const LATEST_MS = 5_000;
const AT_A_TIME = 500;

export class PresenceWatch {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(readonly options: PresenceWatchOptions) {}

  start(): void {
    this.#timer = setInterval(
      () => {
        this.#running ??= this.look().finally(() => {
          this.#running = undefined;
        });
      },
      Math.min(LATEST_MS, this.options.graceMs / 4),
    );
  }

  /** Ends behind the device that a look is at. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Comes to each device that is due once, however many there are and whichever fail. Never rejects. */
  async look(): Promise<void> {
    const { database, deviceLog, log, graceMs, hearing } = this.options;
    const failed: { device: string; error: unknown }[] = [];
    try {
      const now = new Date();
      await forgetErased(database, now);
      const heard = await hearing(now);
      if (heard.since) await endDeafness(database, new Date(heard.since.getTime() + graceMs));
      for (let page = await findSilent(database, heard.until, AT_A_TIME, undefined); page.length > 0; ) {
        for (const silent of page) {
          if (this.#isStopped) return;
          await markSilent(database, deviceLog, silent, now, graceMs, heard).catch((error: unknown) => {
            if (isDatabaseAway(error)) throw error;
            failed.push({ device: silent.id, error });
          });
        }
        page = await findSilent(database, heard.until, AT_A_TIME, page.at(-1));
      }
    } catch (error) {
      log.warn({ error: describeError(error) }, 'Silent devices could not be looked for; the next look tries again');
    }
    const [first] = failed;
    // One line, since what fails for one may fail for thousands, and again with each look.
    if (first !== undefined)
      log.warn(
        { devices: failed.length, device: first.device, error: describeError(first.error) },
        'Silent devices could not be marked; the next look tries again',
      );
  }
}

/** Whether the next device would fail as well. A statement that took too long may have waited for the lock of one. */
function isDatabaseAway(error: unknown): boolean {
  const tookTooLong = error instanceof AuroraError && error.code === 'DEADLINE_EXCEEDED';
  return isConnectionError(error) && !tookTooLong;
}
