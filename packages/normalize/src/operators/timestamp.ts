/**
 * Points in time as RFC 3339 in UTC with milliseconds. Digits below the millisecond are cut off, not rounded, so that
 * an event never moves into the next second.
 */

/** `2026-01-02T03:04:05.678901Z`, `2026-01-02 03:04:05`, `…+01:00`; without an offset the time is UTC. */
const ISO = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))? ?(?:([Zz])|([+-])(\d\d):?(\d\d))?$/;

/** What ConvertTo-Json of Windows PowerShell makes of a date: milliseconds since 1970. */
const DOT_NET = /^\/Date\((-?\d{1,15})\)\/$/;

/** Seconds or milliseconds since 1970, with an optional fraction. */
const EPOCH = /^(\d{9,13})(?:\.(\d+))?$/;

/** Epoch numbers from here on are milliseconds: as seconds they would lie beyond the year 5000. */
const FIRST_MILLISECONDS = 100_000_000_000;

const FIRST_MS = Date.parse('0001-01-01T00:00:00.000Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** @returns e.g. `2026-01-02T03:04:05.678Z`; nothing if the text is no time between the years 1 and 9999. */
export function timestamp(text: string): string | undefined {
  const iso = ISO.exec(text);
  if (iso !== null) return fromIso(iso);
  const dotNet = DOT_NET.exec(text);
  if (dotNet !== null) return fromEpochMs(Number(dotNet[1]));
  const epoch = EPOCH.exec(text);
  if (epoch === null) return undefined;
  const whole = Number(epoch[1]);
  return fromEpochMs(whole >= FIRST_MILLISECONDS ? whole : whole * 1000 + Number(milliseconds(epoch[2])));
}

function fromIso(match: RegExpExecArray): string | undefined {
  const [, year = '', month = '', day = '', hour = '', minute = '', second = '', fraction, , sign, ...offset] = match;
  if (!isCalendarDay(Number(year), Number(month), Number(day))) return undefined;
  if (hour > '23' || minute > '59' || second > '59') return undefined;
  const utc = `${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds(fraction)}Z`;
  if (sign === undefined) return utc;
  const [offsetHours = '', offsetMinutes = ''] = offset;
  if (offsetHours > '23' || offsetMinutes > '59') return undefined;
  const offsetMs = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60_000;
  return fromEpochMs(Date.parse(utc) + (sign === '+' ? -offsetMs : offsetMs));
}

function fromEpochMs(ms: number): string | undefined {
  return ms >= FIRST_MS && ms <= LAST_MS ? new Date(ms).toISOString() : undefined;
}

/** Cuts or fills a fraction of a second to three digits. */
function milliseconds(fraction = ''): string {
  return fraction.slice(0, 3).padEnd(3, '0');
}

function isCalendarDay(year: number, month: number, day: number): boolean {
  if (year < 1 || month < 1 || month > 12 || day < 1) return false;
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const days = month === 2 ? (isLeapYear ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  return day <= days;
}
