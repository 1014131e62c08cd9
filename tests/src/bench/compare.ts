/**
 * Ours against a peer, in turns. Whatever else the machine does slows both alike, so a bench is judged by the ratio of what
 * stands side by side, never by a figure alone.
 */

export interface Contender {
  readonly name: string;
  /** One round, from a state that earlier rounds do not change. @returns units a second */
  readonly round: () => Promise<number>;
}

export interface Comparison {
  /** Medians, units a second. */
  readonly ours: number;
  readonly peer: number;
  /** Median of the rounds' own ratios. */
  readonly ratio: number;
}

export interface Target {
  readonly goal: number;
  /** What a change must not fall below. */
  readonly floor: number;
}

export interface BenchOutcome extends Target {
  readonly name: string;
  readonly ratio: number;
  /** Whether the floor is reached, and everything that must hold whatever the speed. */
  readonly met: boolean;
  readonly goalMet: boolean;
}

/** What holds or does not, beside the ratio. */
export interface Condition {
  readonly name: string;
  readonly met: boolean;
  /** What was measured, for people. */
  readonly seen: string;
}

/**
 * Runs both by turns and prints each round. The first round of both is not counted: it pays for connections and compilation.
 * Who goes first changes from round to round, so that neither always meets what the other left to be written.
 *
 * @param unit - of which `round` counts so many a second.
 */
export async function compare(ours: Contender, peer: Contender, rounds: number, unit: string): Promise<Comparison> {
  await ours.round();
  await peer.round();
  const seen: { ours: number; peer: number; ratio: number }[] = [];
  printRow('round', `${ours.name}, ${unit}/s`, `${peer.name}, ${unit}/s`, 'ratio');
  for (let n = 1; n <= rounds; n++) {
    const rates = new Map<Contender, number>();
    for (const contender of n % 2 === 0 ? [peer, ours] : [ours, peer]) rates.set(contender, await contender.round());
    const round = { ours: rates.get(ours) ?? Number.NaN, peer: rates.get(peer) ?? Number.NaN };
    seen.push({ ...round, ratio: round.ours / round.peer });
    printRow(String(n), whole(round.ours), whole(round.peer), fine(round.ours / round.peer));
  }
  const result = {
    ours: Math.round(median(seen.map((round) => round.ours))),
    peer: Math.round(median(seen.map((round) => round.peer))),
    ratio: Number(fine(median(seen.map((round) => round.ratio)))),
  };
  printRow('median', whole(result.ours), whole(result.peer), fine(result.ratio));
  return result;
}

/** The bench's last line, by its ratio and whatever else must hold; prints the conditions. */
export function judge(
  name: string,
  ratio: number,
  { goal, floor }: Target,
  conditions: readonly Condition[] = [],
): BenchOutcome {
  for (const { name: condition, met, seen } of conditions)
    console.log(`${met ? 'met    ' : 'NOT MET'} ${condition}: ${seen}`);
  const isSound = conditions.every(({ met }) => met);
  return { name, ratio, goal, floor, met: isSound && ratio >= floor, goalMet: isSound && ratio >= goal };
}

/** @throws RangeError when there is none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('no values');
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** @param share - 0.99 for the value that one in a hundred exceeds. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return Math.round(value * 10) / 10;
}

/** @returns units a second. */
export async function rateOf(units: number, work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return units / ((performance.now() - began) / 1_000);
}

function printRow(first: string, ...others: readonly string[]): void {
  console.log(`${first.padEnd(8)}${others.map((cell) => cell.padStart(36)).join('')}`);
}

function whole(value: number): string {
  return String(Math.round(value));
}

function fine(value: number): string {
  return value.toFixed(3);
}
