/** Where each agent listens, and how workers get to know. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { AuroraError } from '@aurorasoc/kit/errors';
import { z } from 'zod';
import { AGENT_NAMES, AGENTS, type AgentName } from '../agent/agent-registry.js';

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

/**
 * Tells where agents listen: a whole fleet in `file`, an agent that runs apart from others in `<file>.<agent>`. So processes that
 * start at one moment write nothing of each other's, and the last one to tell of an agent is believed.
 */
export function writeUrls(file: string, urls: Readonly<Partial<Record<AgentName, string>>>): void {
  const told = AGENT_NAMES.filter((agent) => urls[agent] !== undefined);
  if (told.length === AGENT_NAMES.length) {
    writeInOneStep(file, urls);
    for (const agent of told) rmSync(ownFile(file, agent), { force: true });
  } else for (const agent of told) writeInOneStep(ownFile(file, agent), { [agent]: urls[agent] });
}

/** Whoever reads the file reads all of it. */
function writeInOneStep(file: string, urls: Readonly<Record<string, string | undefined>>): void {
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(urls, null, 2)}\n`);
  renameSync(draft, file);
}

function ownFile(file: string, agent: AgentName): string {
  return `${file}.${agent}`;
}

function urlFromFile(file: string, agent: AgentName): string {
  let url: string | undefined;
  try {
    url = (readUrls(ownFile(file, agent)) ?? readUrls(file))?.[agent];
  } catch (cause) {
    throw new AuroraError({
      code: 'SERVICE_UNAVAILABLE',
      publicMessage: `${file} does not hold the URLs of agents`,
      cause,
    });
  }
  if (url !== undefined) return url;
  throw new AuroraError({
    code: 'SERVICE_UNAVAILABLE',
    publicMessage: `The agent ${agent} has not written to ${file} yet where it listens`,
  });
}

/** @returns undefined where there is no such file. */
function readUrls(file: string): Readonly<Record<string, string>> | undefined {
  try {
    return urlsSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
