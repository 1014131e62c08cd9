/** The decorators of a live field. */
import { Arg, Subscription } from 'type-graphql';
import { CursorScalar } from './types.js';

/**
 * Makes a method a live field: what `open` gives are its items, each of which the method turns into what the graph shows.
 *
 * @param item - class or union of the items.
 * @param open - by the operation's context and the field's arguments; a thrown error refuses the subscription.
 */
export function LiveField<C extends object, A extends object = object>(
  item: object,
  description: string,
  open: (context: C, args: A) => AsyncIterable<unknown> | Promise<AsyncIterable<unknown>>,
): MethodDecorator {
  return Subscription(() => item, {
    description,
    subscribe: ({ context, args }) => open(context as C, args as A),
  });
}

/** The argument `after` of a resumable live field. */
export function ResumeAfter(): ReturnType<typeof Arg> {
  return Arg('after', () => CursorScalar, { nullable: true, description: 'Cursor of the last item that you have.' });
}
