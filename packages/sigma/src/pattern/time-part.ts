/** The time modifiers of Sigma 2.1: one number out of a date. */

export const TIME_PARTS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;
export type TimePart = (typeof TIME_PARTS)[number];

const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2}))?/;

/**
 * One part of an ISO 8601 date and time, as written: no conversion between time zones (the specification asks for
 * none). The week is that of ISO 8601.
 *
 * @returns null when the text is no such date, or has no time of day and one is asked for.
 */
export function readTimePart(text: string, part: TimePart): number | null {
  const match = DATE.exec(text);
  if (match === null) return null;
  const [, year, month, day, hour, minute] = match.map(Number);
  if (year === undefined || month === undefined || day === undefined) return null;
  switch (part) {
    case 'minute':
      return match[5] === undefined ? null : (minute ?? null);
    case 'hour':
      return match[4] === undefined ? null : (hour ?? null);
    case 'day':
      return day;
    case 'week':
      return isoWeek(year, month, day);
    case 'month':
      return month;
    case 'year':
      return year;
  }
}

/** The week with the year's first Thursday is week 1. */
function isoWeek(year: number, month: number, day: number): number {
  const dayMs = 86_400_000;
  const date = Date.UTC(year, month - 1, day);
  const weekday = (new Date(date).getUTCDay() + 6) % 7;
  const thursday = new Date(date + (3 - weekday) * dayMs);
  const newYear = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  return Math.floor((thursday.getTime() - newYear) / (7 * dayMs)) + 1;
}
