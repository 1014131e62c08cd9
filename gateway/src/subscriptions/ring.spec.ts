import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from './ring.js';

describe('a ring', () => {
  it('behaves like an array with bounds, for any sequence of steps', () => {
    const step = fc.oneof(
      fc.record({ push: fc.integer({ min: 0, max: 40 }) }),
      fc.record({ pushAlone: fc.integer({ min: 0, max: 400 }) }),
      fc.constantFrom('shift' as const, 'clear' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const limits = { maxItems: 8, maxBytes: 100 };
        const ring = new Ring<{ bytes: number }>(limits);
        let model: { bytes: number }[] = [];
        const bytesOf = () => model.reduce((sum, item) => sum + item.bytes, 0);
        for (const action of steps) {
          if (action === 'shift') expect(ring.shift()).toBe(model.shift());
          else if (action === 'clear') {
            ring.clear();
            model = [];
          } else if ('pushAlone' in action) {
            const item = { bytes: action.pushAlone };
            const isAlone = model.length === 0;
            expect(ring.pushAlone(item)).toBe(isAlone);
            if (isAlone) model.push(item);
          } else {
            const item = { bytes: action.push };
            const fits = model.length < limits.maxItems && bytesOf() + item.bytes <= limits.maxBytes;
            expect(ring.push(item)).toBe(fits);
            if (fits) model.push(item);
          }
          expect([...ring]).toEqual(model);
          expect([ring.size, ring.bytes]).toEqual([model.length, bytesOf()]);
        }
      }),
    );
  });
});
