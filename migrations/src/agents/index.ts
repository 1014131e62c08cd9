import { CreateAgents } from './0001-agents.js';

/** In the order in which they are applied. */
export const agentsMigrations = [{ name: '0001-agents', class: CreateAgents }];
