import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeScratchFolder } from '../testing/scratch-folder.js';
import { keepPort } from './ports.js';

const ignore = () => {};

describe('keepPort', () => {
  it('remembers one port per service', async () => {
    const file = join(makeScratchFolder(), 'ports.json');
    const postgres = await keepPort(file, 'postgres', ignore);
    const redis = await keepPort(file, 'redis', ignore);
    expect(postgres).not.toBe(redis);
    expect([await keepPort(file, 'postgres', ignore), await keepPort(file, 'redis', ignore)]).toEqual([
      postgres,
      redis,
    ]);
  });

  it('keeps the ports of services that are prepared at the same time', async () => {
    const file = join(makeScratchFolder(), 'ports.json');
    const names = ['a', 'b', 'c', 'd'];
    const ports = await Promise.all(names.map((name) => keepPort(file, name, ignore)));
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(
      Object.fromEntries(names.map((name, index) => [name, ports[index]])),
    );
  });

  it.each(['', '{"redis": ', '{"redis": 99999999}', '[]', 'null'])(
    'takes the damaged file %j for an empty one',
    async (content) => {
      const file = join(makeScratchFolder(), 'ports.json');
      writeFileSync(file, content);
      const port = await keepPort(file, 'redis', ignore);
      expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ redis: port });
    },
  );
});
