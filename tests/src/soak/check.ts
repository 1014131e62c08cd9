/** One thing that a soak found to hold or not, told as soon as it is known. */
export interface Check {
  readonly name: string;
  readonly met: boolean;
  /** What was measured, for people. */
  readonly seen: string;
  /** Whether it says how fast something was: on a machine that does other things, too, it says more about those. */
  readonly isDeadline: boolean;
}

export function check(name: string, met: boolean, seen: string): Check {
  say(`${met ? 'met' : 'NOT MET'}: ${name}${seen === '' ? '' : ` (${seen})`}`);
  return { name, met, seen, isDeadline: false };
}

export function deadline(name: string, met: boolean, seen: string): Check {
  return { ...check(name, met, seen), isDeadline: true };
}

export function say(line: string): void {
  console.log(line);
}

export function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
