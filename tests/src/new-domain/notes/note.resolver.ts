import { actorOf } from '@aurorasoc/kit/auth';
import { envelopeOf } from '@aurorasoc/kit/domain';
import { type DomainEvent, readData } from '@aurorasoc/kit/events';
import { Rights } from '@aurorasoc/kit/graphql';
import { changeFacts, LiveField, openLive, ResumeAfter } from '@aurorasoc/kit/live';
import { Arg, Ctx, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type NotesContext, notesEvents } from './domain.js';
import { Note } from './note.entity.js';
import { NoteChange, NoteChangeItem, NoteType } from './note.type.js';

@Resolver(() => NoteType)
export class NoteResolver {
  @Rights('memory:read')
  @Query(() => [NoteType], { description: 'The newest notes.' })
  notes(@Ctx() { services, principal }: NotesContext): Promise<Note[]> {
    return services.runtime.database.inTenant(principal.tenant, (em) =>
      em.find(Note, {}, { orderBy: { id: 'desc' }, limit: 50 }),
    );
  }

  @Rights('memory:write')
  @Mutation(() => NoteType, { description: 'Adds a note.' })
  addNote(
    @Arg('text', () => String, { description: 'What it says.' }) text: string,
    @Ctx() { services, principal }: NotesContext,
  ): Promise<Note> {
    return services.runtime.database.inTenant(principal.tenant, async (em) => {
      const note = new Note(principal.tenant, text);
      em.persist(note);
      await em.flush();
      const envelope = envelopeOf(note, actorOf(principal), new Date());
      await services.recorder.record(em, { ...envelope, type: 'note.added', data: { text } });
      return note;
    });
  }

  @Rights('memory:read')
  @LiveField(
    NoteChangeItem,
    'Every note that is added, once and in order.',
    ({ services, principal }: NotesContext, { after }: { after?: string | null }) =>
      openLive(services.runtime.live, { tenant: principal.tenant, after: after ?? undefined, toItem: toNoteChange }),
  )
  noteChanged(@Root() item: typeof NoteChangeItem, @ResumeAfter() _after?: string | null): typeof NoteChangeItem {
    return item;
  }
}

function toNoteChange(event: DomainEvent, cursor: string): NoteChange | undefined {
  if (event.type !== 'note.added') return undefined;
  const note = { id: event.subject, text: readData(event, notesEvents['note.added']).text };
  return Object.assign(new NoteChange(), { ...changeFacts(event, cursor), note });
}
