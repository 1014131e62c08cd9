/**
 * One entry that cannot be handled, among neighbours that can: it is dead after five tries with its reason, the neighbours hardly
 * wait for it, and once its cause is mended a replay, asked for twice at one moment, applies it once.
 */
import type { Database } from '@aurorasoc/kit/database';
import { newId } from '@aurorasoc/kit/ids';
import { type DeadLetter, listDeadLetters, MAX_ATTEMPTS, type Redis, replayDeadLetter } from '@aurorasoc/kit/streams';
import type { Client } from 'pg';
import { eventually } from '../../support/wait.js';
import { newIds, type OutcomeListener, openAlerts } from './clients.js';
import type { Seen } from './history.js';
import type { Installation } from './installation.js';

export interface PoisonOutcome {
  readonly problems: readonly string[];
  /** How much later than those of a batch without poison the last neighbour's effect was made, milliseconds. */
  readonly neighboursDelayedMs: number;
}

const STREAM = 'aurora:alerts:events';
const NEIGHBOURS = 10;
const REASON = 'refused by the soak';
const PATIENCE_MS = 60_000;

export interface PoisonScene {
  readonly installation: Installation;
  readonly database: string;
  readonly alerts: Database;
  readonly redis: Redis;
  readonly listener: OutcomeListener;
}

export async function runPoison(scene: PoisonScene): Promise<PoisonOutcome> {
  const { installation, alerts, redis, listener } = scene;
  const tenant = newId();
  const open = (ids: readonly string[]) => openAlerts(alerts, installation.clients, tenant, ids);
  const haveEnded = (ids: readonly string[]) =>
    eventually(
      () => ids.every((id) => listener.ended.has(id)),
      (all) => all,
      PATIENCE_MS,
    );
  // Whoever is still starting would slow the control batch down, and hide what poison costs.
  await haveEnded(await open(newIds(NEIGHBOURS)));
  const control = await open(newIds(NEIGHBOURS));
  await haveEnded(control);

  const batch = newIds(NEIGHBOURS + 1);
  // In the middle, so that neighbours stand before and behind it.
  const victim = batch[NEIGHBOURS / 2] ?? '';
  const neighbours = batch.filter((id) => id !== victim);
  const admin = await refuseInvestigationOf(scene, victim);
  await open(batch);
  await haveEnded(neighbours);
  const [letter] = await eventually(
    () => listDeadLetters(redis, STREAM, tenant, { limit: 10 }),
    (letters) => letters.length > 0,
    PATIENCE_MS,
  );
  await admin.query('drop trigger soak_refuses on agents.investigation');
  const replays =
    letter === undefined ? [] : await Promise.all([replayDeadLetter(redis, letter), replayDeadLetter(redis, letter)]);
  await haveEnded([victim]);

  const seen = [...installation.clients.read(), ...installation.outside.read()];
  const slowest = (ids: readonly string[]) => Math.max(...ids.map((id) => millisecondsToEffect(seen, id)));
  const isReplayedOnce = replays.filter((isMoved) => isMoved).length === 1;
  const victims = seen.filter(({ kind, alert }) => kind === 'effect' && alert === victim).length;
  return {
    neighboursDelayedMs: Math.round(slowest(neighbours) - slowest(control)),
    problems: [
      ...problemsOfLetter(letter, victim),
      ...(isReplayedOnce ? [] : ['two replays at one moment moved the letter twice, or not at all']),
      ...(victims === 1 ? [] : [`the replayed entry had ${victims} effects`]),
    ],
  };
}

/** As a bug or a broken constraint would: the database refuses one row, until somebody mends it. */
async function refuseInvestigationOf({ installation, database }: PoisonScene, alert: string): Promise<Client> {
  const admin = await installation.openAdmin(database);
  await admin.query(
    `create function public.soak_refuse() returns trigger language plpgsql as
     $$ begin raise exception '${REASON}'; end $$`,
  );
  await admin.query(
    `create trigger soak_refuses before insert on agents.investigation for each row
     when (new.alert_id = '${alert}') execute function public.soak_refuse()`,
  );
  return admin;
}

function problemsOfLetter(letter: DeadLetter | undefined, victim: string): string[] {
  if (letter === undefined) return ['there is no dead letter'];
  return [
    ...(letter.fields.get('subject')?.value === victim
      ? []
      : [`the dead letter is ${letter.fields.get('subject')?.value}`]),
    ...(letter.attempts === MAX_ATTEMPTS ? [] : [`it was dead after ${letter.attempts} tries`]),
    ...(letter.reason.includes(REASON) ? [] : [`its reason is "${letter.reason}"`]),
  ];
}

function millisecondsToEffect(seen: readonly Seen[], id: string): number {
  const at = (kind: Seen['kind']) => seen.find((each) => each.kind === kind && each.alert === id)?.at ?? Number.NaN;
  return at('effect') - at('opened');
}
