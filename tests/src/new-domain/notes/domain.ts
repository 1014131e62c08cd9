import {
  contextWith,
  type DomainContext,
  type DomainDefinition,
  type DomainRuntime,
  domainProgram,
  domainVariables,
} from '@aurorasoc/kit/domain';
import { parseEnvironment } from '@aurorasoc/kit/environment';
import { EventRecorder } from '@aurorasoc/kit/events';
import { buildDomainSchema, entityLoader, referenceById } from '@aurorasoc/kit/graphql';
import { z } from 'zod';
import { migrations } from './migration.js';
import { Note } from './note.entity.js';
import { NoteResolver } from './note.resolver.js';

export const notesEvents = { 'note.added': z.object({ text: z.string() }) } as const;

interface NotesServices {
  readonly runtime: DomainRuntime;
  readonly recorder: EventRecorder<typeof notesEvents>;
}
const createLoaders = ({ runtime: { database } }: NotesServices, tenant: string) => ({
  note: entityLoader(database, tenant, Note),
});
export type NotesContext = DomainContext<NotesServices, ReturnType<typeof createLoaders>>;

export const buildNotesSchema = () =>
  buildDomainSchema<NotesContext>({
    resolvers: [NoteResolver],
    references: { Note: referenceById((id, { loaders }) => loaders.note.load(id)) },
  });

const notes: DomainDefinition<NotesServices, NotesContext> = {
  domain: 'notes',
  entities: [Note],
  migrations,
  routes: {},
  buildSchema: buildNotesSchema,
  createServices: (runtime) => ({ runtime, recorder: new EventRecorder('notes', 'test', notesEvents) }),
  createContext: async (services) => contextWith(createLoaders)(services),
  startWorkers: async () => undefined,
};

export const runNotes = domainProgram(
  () => parseEnvironment(domainVariables(4007)),
  () => notes,
);
