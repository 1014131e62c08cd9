import { describe, expect, it } from 'vitest';
import type { Claim } from './claim-task.js';
import { LanePlaces, shareOut } from './lane-places.js';

const claims = (...ids: string[]): Claim[] => ids.map((taskId) => ({ taskId }) as Claim);
const numbered = (count: number): Claim[] => claims(...Array.from({ length: count }, (_, n) => String(n)));

/** After so many tasks that took so long. */
function placesAfter(ms: number, times = 100, size = 4): LanePlaces {
  const places = new LanePlaces(size);
  for (let n = 0; n < times; n++) {
    places.add(claims('earlier'), 0);
    places.next();
    places.left('earlier', ms);
    places.ended('earlier');
  }
  return places;
}

describe('the places of a lane', () => {
  it('are all that is wanted while nobody knows how long tasks take', () => {
    const places = new LanePlaces(4);
    expect([places.wanted, places.reach]).toEqual([4, 4]);
    places.add(claims('a', 'b', 'c'), 0);
    for (const id of ['a', 'b', 'c']) expect(places.next()?.claim.taskId).toBe(id);
    expect([places.next(), places.wanted]).toEqual([undefined, 1]);
    expect(places.held).toEqual(['a', 'b', 'c']);
  });

  it('are free once the agent has answered, and the task is held until its end is stored', () => {
    const places = new LanePlaces(1);
    places.add(claims('a'), 0);
    places.next();
    expect(places.wanted).toBe(0);
    places.left('a', 60_000);
    expect([places.wanted, places.held]).toEqual([1, ['a']]);
    places.ended('a');
    expect(places.held).toEqual([]);
  });

  it('are claimed for ahead as far as agents get within 50 ms, and no further than ten tasks for each', () => {
    expect(placesAfter(60_000).wanted).toBe(4);
    expect(placesAfter(201).wanted).toBe(4);
    expect(placesAfter(49).wanted).toBe(4 + 4);
    expect(placesAfter(1).wanted).toBe(4 + 40);
  });

  it.each([
    [1, 16],
    [4, 16],
    [18, 18],
    [256, 256],
  ])('are not claimed for ahead, of %i, before %i tasks in a row were brief', (size, fewest) => {
    for (const times of [1, fewest - 1]) expect(placesAfter(1, times, size).wanted).toBe(size);
    expect(placesAfter(1, fewest, size).wanted).toBe(size + size * 10);
    const slowAgain = placesAfter(1, fewest, size);
    slowAgain.left('away', undefined);
    slowAgain.ended('away');
    slowAgain.left('back', 1);
    slowAgain.ended('back');
    expect(slowAgain.wanted).toBe(size);
  });

  it('are taken first by tasks that were lost before', () => {
    const places = new LanePlaces(2);
    places.add(claims('a', 'b'), 0);
    places.add([{ taskId: 'c', attempts: 2 } as Claim], 1);
    expect(places.next()?.claim.taskId).toBe('c');
    expect(places.next()?.claim.taskId).toBe('a');
  });

  it('are claimed for again when half of what was claimed ahead has begun', () => {
    const places = placesAfter(1);
    places.add(numbered(44), 0);
    const begin = (): void => {
      const id = places.next()?.claim.taskId ?? '';
      places.left(id, 1);
      places.ended(id);
    };
    for (let n = 0; n < 23; n++) begin();
    expect(places.wanted).toBe(0);
    begin();
    expect(places.wanted).toBe(4 + 20);
  });

  it('get no tasks ahead after one of which nothing came: its agent may be away', () => {
    const places = placesAfter(1);
    places.add(claims('a'), 0);
    places.next();
    places.left('a', undefined);
    places.ended('a');
    expect(places.wanted).toBe(4);
  });

  it('get nothing to do while ends cannot be stored', () => {
    const places = placesAfter(1);
    places.add(numbered(80), 0);
    for (let ready = places.next(); ready !== undefined; ready = places.next()) places.left(ready.claim.taskId, 1);
    expect(places.wanted).toBe(0);
    places.ended('0');
    expect(places.wanted).toBe(44);
  });

  it('give up what was claimed too long ago, and claim nothing ahead after that', () => {
    const slow = placesAfter(1);
    slow.add(numbered(20), 0);
    expect(slow.removeReady(1)).toHaveLength(20);
    expect(slow.wanted).toBe(4);
    const places = new LanePlaces(1);
    places.add(claims('a', 'b'), 10);
    places.add(claims('c'), 20);
    places.next();
    expect(places.removeReady(15).map(({ taskId }) => taskId)).toEqual(['b']);
    expect(places.held).toEqual(['c', 'a']);
    expect(places.removeReady().map(({ taskId }) => taskId)).toEqual(['c']);
  });
});

describe('tasks that are wanted', () => {
  it('are shared out by the turns of their tenants, and to none in vain', () => {
    const found = [
      { tenant: 'a', tasks: 3 },
      { tenant: 'b', tasks: 5 },
      { tenant: 'c', tasks: 1 },
    ];
    expect(shareOut(found, 6)).toEqual([
      { tenant: 'a', tasks: 3 },
      { tenant: 'b', tasks: 3 },
    ]);
    expect(shareOut(found, 100)).toEqual(found);
    expect(shareOut([], 4)).toEqual([]);
  });
});
