import type { DomainMigrations } from '@aurorasoc/kit/database';
import { CreateMemory } from './0001-memory.js';
import { AddPgvector } from './0002-pgvector.js';
import { AddEntryKey } from './0003-entry-key.js';

export const migrations: DomainMigrations = [
  { name: '0001-memory', class: CreateMemory },
  { name: '0002-pgvector', class: AddPgvector },
  { name: '0003-entry-key', class: AddEntryKey },
];
