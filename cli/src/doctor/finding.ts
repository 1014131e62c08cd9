/** What `aurora doctor` says about one thing. */
export interface Finding {
  readonly name: string;
  /** `warn`: works, but look at it. `fail`: AuroraSOC will not run, or not for long. */
  readonly state: 'ok' | 'warn' | 'fail';
  readonly detail: string;
  /** What to do about it. */
  readonly advice?: string;
}

export const ok = (name: string, detail: string): Finding => ({ name, state: 'ok', detail });
export const warn = (name: string, detail: string, advice: string): Finding => ({
  name,
  state: 'warn',
  detail,
  advice,
});
export const fail = (name: string, detail: string, advice: string): Finding => ({
  name,
  state: 'fail',
  detail,
  advice,
});
