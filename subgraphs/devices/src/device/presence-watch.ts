/** Looks for devices that fell silent. Replicas may look at once: the row's lock lets one of them say it. */
import type { Database } from '@aurorasoc/kit/database';
import { describeError } from '@aurorasoc/kit/errors';
import type { Logger } from '@aurorasoc/kit/log';
import type { DeviceLog } from './device-log.js';
import { findSilent, forgetErased, markSilent } from './presence.js';

export interface PresenceWatchOptions {
  readonly database: Database;
  readonly deviceLog: DeviceLog;
  readonly log: Logger;
  /** Milliseconds. */
  readonly graceMs: number;
}

/** A device is said to be offline at most this much later than its grace ends, milliseconds. */
const LATEST_MS = 5_000;
const AT_A_TIME = 500;

export class PresenceWatch {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(private readonly options: PresenceWatchOptions) {}

  start(): void {
    this.#timer = setInterval(
      () => {
        this.#running ??= this.#look().finally(() => {
          this.#running = undefined;
        });
      },
      Math.min(LATEST_MS, this.options.graceMs / 4),
    );
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #look(): Promise<void> {
    const { database, deviceLog, log, graceMs } = this.options;
    try {
      const now = new Date();
      await forgetErased(database, now);
      for (const { tenant, device_id: id } of await findSilent(database, now, AT_A_TIME))
        await markSilent(database, deviceLog, { tenant, id }, now, graceMs);
    } catch (error) {
      log.warn({ error: describeError(error) }, 'Silent devices could not be marked; the next look tries again');
    }
  }
}
