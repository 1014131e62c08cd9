import { Health } from '@aurorasoc/kit/health';
import { expect, it } from 'vitest';
import { LiveHealth } from './live-health.js';

it('is degraded while any upstream is away, with the reason of one that is', () => {
  const health = new Health('gateway');
  const live = new LiveHealth(health);
  const component = () => health.report().components.live;
  expect(component()).toMatchObject({ state: 'up' });
  const [former, served] = [{}, {}];
  live.set(former, 'alerts: away');
  live.set(served, 'agents: away');
  live.set(former, undefined);
  expect(component()).toMatchObject({ state: 'degraded', reason: 'agents: away' });
  live.set(served, undefined);
  expect(component()).toMatchObject({ state: 'up' });
});
