import { AuroraError } from '@aurorasoc/kit/errors';
import { createLog } from '@aurorasoc/kit/log';
import { GraphQLError } from 'graphql';
import { describe, expect, it } from 'vitest';
import { toPublicError } from './errors.js';
import { withRequestId } from './request-context.js';

const log = createLog('gateway', 'silent');
const publish = (error: unknown) => withRequestId('r1', () => toPublicError(error, log).toJSON());

describe('errors for clients', () => {
  it('show our own ones, however deep they are wrapped', () => {
    const own = new AuroraError({
      code: 'BAD_CURSOR',
      field: 'after',
      publicMessage: 'No such cursor',
      retryAfterSeconds: 1,
      context: { service: 'alerts', host: 'db-7' },
    });
    const wrapped = new GraphQLError('x', {
      originalError: new GraphQLError('y', { originalError: own, path: ['a'] }),
      path: ['a'],
    });
    expect(publish(wrapped)).toEqual({
      message: 'No such cursor',
      path: ['a'],
      extensions: { code: 'BAD_CURSOR', field: 'after', retryAfter: 1, service: 'alerts', requestId: 'r1' },
    });
  });

  it.each([
    ['a plain error', new Error('connect to db-7 failed')],
    ['a thrown text', 'db-7'],
    ['an unknown code of our own process', new GraphQLError('db-7', { extensions: { code: 'WEIRD' } })],
    [
      'a broken subgraph',
      new GraphQLError('db-7', { extensions: { code: 'INTERNAL_SERVER_ERROR', serviceName: 'alerts' } }),
    ],
    ['a subgraph error without a code', new GraphQLError('db-7', { extensions: { serviceName: 'alerts' } })],
  ])('hide %s', (_what, error) => {
    expect(publish(error)).toMatchObject({
      message: 'Internal server error',
      extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: 'r1' },
    });
    expect(JSON.stringify(publish(error))).not.toContain('db-7');
  });

  it('pass on nothing of extensions but what is agreed', () => {
    const error = new GraphQLError('No', {
      extensions: { code: 'FORBIDDEN', serviceName: 'alerts', stacktrace: ['at'], field: 7, retryAfter: 'soon' },
    });
    expect(publish(error).extensions).toEqual({ code: 'FORBIDDEN', service: 'alerts', requestId: 'r1' });
  });
});
