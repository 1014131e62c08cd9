import { describe, expect, it } from 'vitest';
import { LiveItems } from './live-items.js';
import { runStage, StageFailure } from './stage.js';

const options = { stage: 'store', suspect: 'alerts', signal: new AbortController().signal };

describe('a stage of the check', () => {
  it('reports what was found', async () => {
    expect(await runStage(options, async () => 'found')).toMatchObject({ stage: 'store', isOk: true, detail: 'found' });
  });

  it('names its suspect when it fails, the more exact one if there is one', async () => {
    const fail = (suspect?: string) => () => Promise.reject(new StageFailure('no', suspect));
    expect(await runStage(options, fail())).toMatchObject({ isOk: false, detail: 'no', suspect: 'alerts' });
    expect(await runStage(options, fail('redis'))).toMatchObject({ suspect: 'redis' });
  });

  it('ends with the deadline whatever it waits for', async () => {
    const report = await runStage(
      { ...options, signal: AbortSignal.abort() },
      () => new Promise<string>(() => undefined),
    );
    expect(report).toMatchObject({ isOk: false, detail: 'did not happen before the deadline' });
  });
});

describe('items of a live field', () => {
  function open() {
    const hands = Promise.withResolvers<void>();
    let push: (item: number) => unknown = () => undefined;
    const items = new LiveItems<number>((onItem) => {
      push = (item) => onItem(item, []);
      return hands.promise;
    });
    return { items, push: (item: number) => push(item), end: hands };
  }

  it('are found whether they come before or after the asking', async () => {
    const { items, push } = open();
    push(1);
    const later = items.waitFor((item) => item === 2);
    push(2);
    expect(await items.waitFor((item) => item === 1)).toBe(1);
    expect(await later).toBe(2);
  });

  it('reject who waits when the field ends', async () => {
    const { items, end } = open();
    const waiting = items.waitFor(() => false);
    end.reject(new Error('refused'));
    await expect(waiting).rejects.toThrow('refused');
    await expect(items.waitFor(() => false)).rejects.toThrow('refused');
  });
});
