import { badUserInput } from '@aurorasoc/kit/errors';

/**
 * The body as Apollo Server expects it: parsed when it is declared as JSON, text otherwise, which Apollo refuses with the
 * reason.
 * @throws AuroraError `BAD_USER_INPUT` for malformed JSON.
 */
export function parseBody(contentType: string | undefined, text: string): unknown {
  if (!/^application\/(graphql-response\+)?json\b/i.test(contentType ?? '')) return text;
  try {
    return JSON.parse(text);
  } catch {
    throw badUserInput('body', 'The body is not valid JSON; send {"query": "...", "variables": {...}}');
  }
}
