/** Has the group that failed handle an entry once more, and records who wanted it. */
import { actorOf, type Principal } from '@aurorasoc/kit/auth';
import { envelopeOf } from '@aurorasoc/kit/domain';
import { type DeadLetter, findDeadLetter, replayDeadLetter } from '@aurorasoc/kit/streams';
import type { FederationServices } from '../context.js';
import { DeadLetterReplay } from './dead-letter-replay.entity.js';

/**
 * The record comes first: an entry must not be handled again without a trace of who wanted it. When the process ends between
 * the two, the letter is still there, and whoever replays it next finds the record.
 *
 * @returns the letter as it was; undefined where the tenant has none such, or somebody else was faster.
 */
export async function replayTenantLetter(
  { runtime, recorder }: FederationServices,
  principal: Principal,
  stream: string,
  id: string,
): Promise<DeadLetter | undefined> {
  const letter = await findDeadLetter(runtime.redis, stream, principal.tenant, id);
  if (letter === undefined) return undefined;
  await runtime.database.inTenant(principal.tenant, async (em) => {
    // Two that replay one letter at once would both find no record.
    await em.execute('select pg_advisory_xact_lock(hashtext(?))', [`replay of ${stream} ${id}`]);
    const facts = { tenant: principal.tenant, stream, letterId: id };
    if (await em.findOne(DeadLetterReplay, facts)) return;
    const replay = new DeadLetterReplay(principal.tenant, stream, id, new Date());
    em.persist(replay);
    const { group, messageId, sha256 } = letter;
    await recorder.record(em, {
      ...envelopeOf(replay, actorOf(principal), replay.replayedAt),
      type: 'dead_letter.replayed',
      data: { stream, group, letterId: id, messageId, sha256 },
    });
  });
  return (await replayDeadLetter(runtime.redis, letter)) ? letter : undefined;
}
