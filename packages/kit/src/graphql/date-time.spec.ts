import { GraphQLError, parseValue } from 'graphql';
import { expect, it } from 'vitest';
import { DateTimeScalar } from './date-time.js';

it('DateTime refuses what is no moment without repeating it, and keeps the reason that the library gave', () => {
  for (const refuse of [
    () => DateTimeScalar.parseValue('noon'),
    () => DateTimeScalar.parseLiteral(parseValue('"noon"'), {}),
  ])
    expect(refuse).toThrow(
      expect.objectContaining({
        message: expect.not.stringContaining('noon'),
        originalError: expect.any(GraphQLError),
      }),
    );
});
