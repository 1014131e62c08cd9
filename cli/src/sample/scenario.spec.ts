import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makePlayId, parseScenario, readScenario, renderEvent, SAMPLE_SCENARIO } from './scenario.js';

describe('scenarios', () => {
  it('fill moment and play into every string that asks for them', () => {
    const [step] = parseScenario('{"delayMs":5,"event":{"a":"{{now}}","b":[{"c":"{{play}} at {{utc}}"}]}}\n\n', 'x');
    const rendered = step && JSON.parse(renderEvent(step, new Date('2026-11-23T10:00:00.120Z'), '3FA2'));
    expect(rendered).toEqual({ a: '2026-11-23T10:00:00.120Z', b: [{ c: '3FA2 at 2026-11-23 10:00:00.120' }] });
  });

  it('name the line that is no step', () => {
    expect(() => parseScenario('{"delayMs":0,"event":{}}\n{"delay":1}', 'x')).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', field: 'x:2' }),
    );
  });

  it("hold the product's own sample, which lasts seconds and leaves no placeholder", () => {
    expect(existsSync(SAMPLE_SCENARIO)).toBe(true);
    const steps = readScenario(SAMPLE_SCENARIO);
    const totalMs = steps.reduce((sum, { delayMs }) => sum + delayMs, 0);
    expect(totalMs).toBeLessThanOrEqual(30_000);
    expect(steps.map((step) => renderEvent(step, new Date(), makePlayId())).join('')).not.toContain('{{');
  });
});
