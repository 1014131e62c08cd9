/** Where each agent listens. */
import { readFileSync } from 'node:fs';
import { AuroraError } from '@aurorasoc/kit/errors';
import { z } from 'zod';
import { AGENTS, type AgentName } from '../agent/agent-registry.js';

export type AgentDirectory = (agent: AgentName) => string;

export interface DirectoryOptions {
  readonly A2A_HOST: string;
  readonly A2A_BASE_PORT: number | 'auto';
  readonly A2A_URLS_FILE?: string | undefined;
}

const urlsSchema = z.record(z.string(), z.url());

/**
 * By the file where one is named, else by host and port. The file is read at each question: a fleet that starts again may have
 * other ports.
 *
 * @throws AuroraError `CONFIGURATION_INVALID` at once, when ports are `auto` and no file says which they became.
 */
export function openDirectory({
  A2A_HOST: host,
  A2A_BASE_PORT: basePort,
  A2A_URLS_FILE: file,
}: DirectoryOptions): AgentDirectory {
  if (file !== undefined) return (agent) => urlFromFile(file, agent);
  if (basePort === 'auto' || basePort === 0) {
    throw new AuroraError({
      code: 'CONFIGURATION_INVALID',
      publicMessage:
        'A2A_BASE_PORT: with automatic ports A2A_URLS_FILE must name the file that the fleet writes (example: A2A_URLS_FILE=.aurora/run/agents.json)',
    });
  }
  return (agent) => `http://${host}:${basePort + AGENTS[agent].portOffset}`;
}

function urlFromFile(file: string, agent: AgentName): string {
  try {
    const url = urlsSchema.parse(JSON.parse(readFileSync(file, 'utf8')))[agent];
    if (url !== undefined) return url;
  } catch (cause) {
    throw new AuroraError({
      code: 'SERVICE_UNAVAILABLE',
      publicMessage: `The fleet has not written ${file} yet`,
      cause,
    });
  }
  throw new AuroraError({ code: 'SERVICE_UNAVAILABLE', publicMessage: `${file} names no agent ${agent}` });
}
