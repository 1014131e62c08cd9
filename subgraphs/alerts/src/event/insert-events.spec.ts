import type { EntityManager } from '@aurorasoc/kit/database';
import { newId } from '@aurorasoc/kit/ids';
import { expect, it } from 'vitest';
import type { IncomingEvent } from './event-store.js';
import { insertEvents } from './insert-events.js';

/** One that nothing may be asked of. */
const untouched = {} as EntityManager;

it('a text with a line break is refused before anything is written, since it would be taken for two', async () => {
  const eventOf = (text: string): IncomingEvent => ({ id: newId(), text, document: {} });
  const events = [eventOf('{}'), eventOf('{\n}')];
  await expect(insertEvents(untouched, newId(), events)).rejects.toThrow(
    new RangeError(`The text of event ${events[1]?.id} has a line break, so it is no canonical JSON`),
  );
});
