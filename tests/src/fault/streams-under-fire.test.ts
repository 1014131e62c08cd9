/**
 * The short form of `npm run soak -- streams`: what it checks of tasks and of poison, but for how fast, which a busy machine
 * decides. The event log and a wiped Redis have tests of their own beside this one.
 */
import { expect, inject, it } from 'vitest';
import { type StreamsSoakSize, soakStreams } from '../soak/streams.js';

const SHORT: StreamsSoakSize = {
  tasks: 40,
  tenants: 4,
  workers: 2,
  leaseMs: 2_000,
  // So that whoever is killed has orders at the target.
  effectMs: 250,
  faults: { kills: 4, redisRestarts: 1, postgresCuts: 1 },
  // The other worker looks for lost tasks once a second.
  stalls: { stoppedMs: 4_000, blockedMs: 4_000 },
};

it('loses and doubles nothing, by what clients and an outside target see, while workers die or stand still, Redis and connections die', {
  timeout: 180_000,
}, async () => {
  const postgres = { url: inject('postgresUrl'), secretFile: inject('secretFile') };
  const { checks } = await soakStreams({ seed: 7, size: SHORT, postgres });
  expect(checks.filter(({ met, isDeadline }) => !met && !isDeadline)).toEqual([]);
  expect(checks.length).toBe(14);
});
