import { AuroraError } from '@aurorasoc/kit/errors';
import { z } from 'zod';

/** An error as the gateway sends it. */
export const publicErrorSchema = z.object({
  message: z.string(),
  path: z.array(z.union([z.string(), z.number()])).optional(),
  extensions: z
    .looseObject({ code: z.string().optional(), field: z.string().optional(), retryAfter: z.number().optional() })
    .optional(),
});
export type PublicError = Readonly<z.output<typeof publicErrorSchema>>;

/** Refusals that a later try may not meet. */
export const PASSING_CODES: ReadonlySet<string> = new Set(['SERVICE_UNAVAILABLE', 'RATE_LIMITED', 'DEADLINE_EXCEEDED']);

/** The graph refused an operation; `code`, `field` and message are those of its first error. */
export class GraphRequestError extends AuroraError {
  constructor(readonly errors: readonly PublicError[]) {
    const [first] = errors;
    const { code, field, retryAfter } = first?.extensions ?? {};
    super({
      code: code ?? 'INTERNAL_SERVER_ERROR',
      publicMessage: first?.message ?? 'The gateway refused the operation without a reason',
      ...(field === undefined ? {} : { field }),
      ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
    });
  }
}
