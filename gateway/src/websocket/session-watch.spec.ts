import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Session } from '../auth/authenticator.js';
import { SessionWatch } from './session-watch.js';

describe('the watch over sessions', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const sessionOf = (seconds: number, isCurrent = () => true) =>
    ({ expiresAt: Math.floor(Date.now() / 1000) + seconds, isCurrent }) as Session;

  it('closes at the end of the session, and not one that was removed', () => {
    const watch = new SessionWatch(1_000_000);
    const [kept, removed] = [vi.fn(), vi.fn()];
    watch.add(kept, sessionOf(10), kept);
    watch.add(removed, sessionOf(10), removed);
    watch.remove(removed);
    vi.advanceTimersByTime(8_900);
    expect(kept).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_100);
    expect(kept).toHaveBeenCalledExactlyOnceWith(4403, 'Session ended');
    expect(removed).not.toHaveBeenCalled();
  });

  it('closes within the interval after a revocation', () => {
    const watch = new SessionWatch(2_000);
    let isCurrent = true;
    const close = vi.fn();
    watch.add(
      close,
      sessionOf(3_600, () => isCurrent),
      close,
    );
    vi.advanceTimersByTime(10_000);
    isCurrent = false;
    vi.advanceTimersByTime(2_000);
    expect(close).toHaveBeenCalledWith(4403, 'Session ended');
    watch.stop();
  });

  it('does not take a session of many weeks for an ended one', () => {
    const watch = new SessionWatch(1_000_000);
    const close = vi.fn();
    watch.add(close, sessionOf(60 * 24 * 3_600), close);
    vi.advanceTimersByTime(1_000);
    expect(close).not.toHaveBeenCalled();
    watch.stop();
  });
});
