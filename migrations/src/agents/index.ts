import { CreateAgents } from './0001-agents.js';
import { AddWaiting } from './0002-waiting.js';

/** In the order in which they are applied. */
export const agentsMigrations = [
  { name: '0001-agents', class: CreateAgents },
  { name: '0002-waiting', class: AddWaiting },
];
