import type { Database } from '@aurorasoc/kit/database';
import type { DomainRuntime } from '@aurorasoc/kit/domain';
import { Stopper } from '@aurorasoc/kit/lifecycle';
import { createLog } from '@aurorasoc/kit/log';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { keepReceiptsFew } from './remove-old-receipts.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('receipts of old batches', () => {
  it('are removed when the process starts and every hour', () => {
    const execute = vi.fn(async () => [{ gone: 0 }]);
    const log = createLog('receipts', 'silent');
    keepReceiptsFew({ execute } as unknown as Database, { log, stopper: new Stopper(log) } as unknown as DomainRuntime);
    expect(execute.mock.calls).toEqual([['select alerts.remove_old_receipts() as gone']]);
    vi.advanceTimersByTime(3_600_000);
    expect(execute).toHaveBeenCalledTimes(2);
  });
});
