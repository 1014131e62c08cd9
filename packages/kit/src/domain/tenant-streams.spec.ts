import { expect, it } from 'vitest';
import { tenantStreams } from './tenant-streams.js';

it('names each stream that the domain writes or reads once, with every group that is to read past an entry', () => {
  const attribute = async () => [];
  const domain = {
    domain: 'alerts',
    routes: { 'task.requested': 'tasks', 'batch.stored': 'acks' },
    readers: { policy: ['alert.opened'] },
  };
  const consumed = [
    { stream: 'raw', groups: ['storage'], attribute },
    { stream: 'raw', groups: ['detection'] },
    { stream: 'tasks', groups: ['worker'] },
  ];
  expect(tenantStreams(domain, consumed)).toEqual([
    { stream: 'aurora:alerts:events', groups: ['policy'] },
    { stream: 'tasks', groups: ['worker'] },
    { stream: 'acks', groups: [] },
    { stream: 'aurora:alerts:erased', groups: [] },
    { stream: 'raw', groups: ['storage', 'detection'], attribute },
  ]);
});
