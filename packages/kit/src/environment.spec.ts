import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  existingFile,
  listSettings,
  parseEnvironment,
  port,
  portOrOff,
  redisUrl,
  secretFile,
  variable,
} from './environment.js';

const shape = {
  REDIS_URL: redisUrl,
  PORT: port('Port', 8000),
  BATCH: variable(z.coerce.number().int().min(1).default(64), { description: 'Batch', example: '64' }),
};

describe('parseEnvironment', () => {
  it('takes defaults for what is not set or empty', () => {
    const environment = parseEnvironment(shape, { REDIS_URL: 'redis://127.0.0.1:6379', PORT: '', UNRELATED: 'x' });
    expect(environment).toMatchObject({ PORT: 8000, BATCH: 64, AURORA_MODE: 'real', AURORA_SUPERVISED: '0' });
  });

  it('lists every problem at once, each with the variable and an example', () => {
    const parse = () => parseEnvironment(shape, { REDIS_URL: 'foo', PORT: '99999', BATCH: '0', AURORA_MODE: 'fast' });
    expect(parse).toThrow(/REDIS_URL: must be a URL like redis:.*example: REDIS_URL=redis:/);
    for (const name of ['PORT', 'BATCH', 'AURORA_MODE'])
      expect(parse).toThrow(new RegExp(`^${name}: .*example: ${name}=`, 'm'));
  });

  it.each(['abc', '80.5', '-1', '65536', '0x'])('says what a port is, once, for "%s"', (text) => {
    expect(() => parseEnvironment(shape, { REDIS_URL: 'redis://r', PORT: text })).toThrow(
      /^PORT: must be a whole number from 0 to 65535 \(example: PORT=8000\)$/,
    );
  });

  it('takes a port that may be left out as a number or as off', () => {
    const parse = (text: string) => parseEnvironment({ SYSLOG: portOrOff('Syslog', 5514) }, { SYSLOG: text }).SYSLOG;
    expect([parse(''), parse('0'), parse('off')]).toEqual([5514, 0, 'off']);
    expect(() => parse('65536')).toThrow(
      /^SYSLOG: must be off, or a whole number from 0 to 65535 \(example: SYSLOG=5514\)$/,
    );
  });

  it('says of text in the place of a number that it is none', () => {
    expect(() => parseEnvironment(shape, { REDIS_URL: 'redis://r', BATCH: 'many' })).toThrow(
      /^BATCH: must be a number \(example: BATCH=64\)$/,
    );
  });

  it('gives the example of a variable that may be left out, too', () => {
    const optional = {
      SUPERGRAPH_FILE: existingFile('The schema', 'supergraph.graphql').default('none.graphql'),
      AURORA_SECRET_FILE: secretFile.optional(),
    };
    const parse = () => parseEnvironment(optional, { SUPERGRAPH_FILE: '/no/file', AURORA_SECRET_FILE: '/no/file' });
    expect(parse).toThrow(/^SUPERGRAPH_FILE: .*example: SUPERGRAPH_FILE=supergraph.graphql\)$/m);
    expect(parse).toThrow(/^AURORA_SECRET_FILE: .*example: AURORA_SECRET_FILE=.aurora\/keys\/secret\)$/m);
  });

  it('names a variable that is missing', () => {
    expect(() => parseEnvironment(shape, {})).toThrow(/^REDIS_URL: is not set/m);
  });
});

describe('listSettings', () => {
  const source = {
    REDIS_URL: 'redis://default:p%40ss@10.0.0.1:6379/0?password=hush',
    BATCH: '',
    PORT: '9000',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:secret@collector:4318',
    UNRELATED: 'x',
  };
  const byName = new Map(listSettings(shape, source).map((setting) => [setting.name, setting]));

  it('tells what is in force and who set it', () => {
    expect(byName.get('PORT')).toEqual({ name: 'PORT', value: '9000', description: 'Port', isSet: true });
    expect(byName.get('BATCH')).toEqual({ name: 'BATCH', value: '64', description: 'Batch', isSet: false });
    expect(byName.get('AURORA_MODE')).toMatchObject({ value: 'real', isSet: false });
    expect([...byName.keys()]).toEqual([...byName.keys()].sort());
    expect(byName.has('UNRELATED')).toBe(false);
  });

  it('tells of URLs neither login nor query', () => {
    expect(byName.get('REDIS_URL')?.value).toBe('redis://10.0.0.1:6379/0');
    expect(byName.get('OTEL_EXPORTER_OTLP_ENDPOINT')?.value).toBe('http://collector:4318');
  });

  it('has no value where nothing is in force', () => {
    expect(listSettings({}, {}).find(({ name }) => name === 'OTEL_EXPORTER_OTLP_ENDPOINT')).toMatchObject({
      value: undefined,
      isSet: false,
      description: expect.stringContaining('OTLP'),
    });
  });
});
