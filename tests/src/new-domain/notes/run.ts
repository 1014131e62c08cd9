import { runNotes } from './domain.js';

await runNotes();
