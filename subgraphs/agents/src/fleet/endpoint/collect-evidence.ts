/** Gathers what the endpoint reasoner looks at: the alert's processes, what is above, below and beside them, and how common they are. */
import { AuroraError } from '@aurorasoc/kit/errors';
import { toShortText } from '../../a2a/contract.js';
import type { AgentRun } from '../agent-program.js';
import { ToolBudgetExhausted } from '../agent-program.js';
import { textOf, timeOf } from '../reasoner/event-fields.js';
import type { AlertWithEvents, EventSearch, FoundEvents, StoredEvent } from '../tools/graph-tools.js';
import { MAX_VALUE_LENGTH, type SearchTerm } from '../tools/query-text.js';

export interface Prevalence {
  /** The field that was compared. */
  readonly field: string;
  /** At least so many; exactly, where `isComplete`. */
  readonly hosts: number;
  /** All runs within the day were seen. */
  readonly isComplete: boolean;
  /** The event whose program or command was looked for, and others with the same, one per host. */
  readonly events: readonly StoredEvent[];
}

export interface Evidence {
  readonly alert: AlertWithEvents;
  /** The alert's events, oldest first. */
  readonly matched: readonly StoredEvent[];
  /** Processes above those of the matched events. */
  readonly ancestors: StoredEvent[];
  /** Processes below them. */
  readonly descendants: StoredEvent[];
  /** What the processes did. */
  readonly activity: StoredEvent[];
  /** What the same users did on the same hosts around that time. */
  readonly neighbours: StoredEvent[];
  readonly programPrevalence: Prevalence[];
  readonly commandPrevalence: Prevalence[];
  /** Processes about which there is telemetry at all. */
  readonly examined: StoredEvent[];
  readonly couldNotCheck: string[];
  /** A search failed, or was not made: that something was not found says nothing. */
  hasGaps: boolean;
  isBudgetExhausted: boolean;
}

/** On so many hosts a command, or a program, is widespread. */
export const WIDESPREAD_COMMAND_HOSTS = 5;
export const WIDESPREAD_PROGRAM_HOSTS = 10;

const AROUND_MS = 10 * 60_000;
const DAY_MS = 24 * 3_600_000;
const MAX_PROCESSES = 3;
const MAX_ANCESTORS = 4;
const MAX_CHILDREN_FOLLOWED = 3;
const PAGE = 200;
/** So many searches that fail one behind the other are not about what is searched for, but the graph's failure. */
const MAX_FAILED_IN_A_ROW = 3;
/** Windows event ids that tell the start of a process: Sysmon 1, Security 4688. */
const PROCESS_START = new Set(['1', '4688']);
const SYSTEM_ACCOUNTS = new Set(['system', 'local service', 'network service']);

export function isProcessStart(event: StoredEvent): boolean {
  return (
    textOf(event, 'event.action') === 'process-created' ||
    (PROCESS_START.has(textOf(event, 'event.code') ?? '') && textOf(event, 'process.name') !== undefined)
  );
}

/** The graph answers no search any more. */
class SearchesFailed extends Error {}

/** Never fails for lack of budget, nor by a search that fails: what is missing then is said in the evidence. */
export async function collectEvidence(run: AgentRun, alert: AlertWithEvents): Promise<Evidence> {
  const evidence: Evidence = {
    alert,
    matched: alert.events.nodes,
    ancestors: [],
    descendants: [],
    activity: [],
    neighbours: [],
    programPrevalence: [],
    commandPrevalence: [],
    examined: [],
    couldNotCheck: [],
    hasGaps: false,
    isBudgetExhausted: false,
  };
  const search = searcher(run, evidence);
  if (alert.events.pageInfo.hasNextPage)
    evidence.couldNotCheck.push(
      `Only the newest ${alert.events.nodes.length} of ${alert.count} events of the alert were examined.`,
    );
  const processes = distinctProcesses(evidence.matched);
  if (processes.length === 0)
    evidence.couldNotCheck.push("The alert's events name no process on a host, so there is no process tree.");
  if (processes.length > MAX_PROCESSES)
    evidence.couldNotCheck.push(`The alert concerns ${processes.length} processes; ${MAX_PROCESSES} were examined.`);
  try {
    for (const process of processes.slice(0, MAX_PROCESSES)) await examineProcess(search, evidence, process);
    await findNeighbours(search, evidence);
  } catch (error) {
    if (!(error instanceof ToolBudgetExhausted || error instanceof SearchesFailed)) throw error;
    evidence.hasGaps = true;
    evidence.isBudgetExhausted = error instanceof ToolBudgetExhausted;
    evidence.couldNotCheck.push(
      evidence.isBudgetExhausted
        ? `The budget ended the search: ${error.message}`
        : 'Nothing more was searched for, since no search came to an end any more.',
    );
  }
  return evidence;
}

/** @returns undefined when the search failed, which is noted. */
type Search = (purpose: string, search: EventSearch) => Promise<FoundEvents | undefined>;

/**
 * An attacker decides what is found, and so whether a search can be answered at all, as when its events are too large for one
 * answer: a search that fails costs what it would have found, and not the assessment.
 */
function searcher(run: AgentRun, evidence: Evidence): Search {
  let failedInARow = 0;
  return async (purpose, search) => {
    try {
      const found = await run.tools.searchEvents(purpose, search);
      failedInARow = 0;
      return found;
    } catch (error) {
      if (run.signal.aborted || !(error instanceof AuroraError || error instanceof RangeError)) throw error;
      evidence.hasGaps = true;
      evidence.couldNotCheck.push(toShortText(`The search for ${purpose} failed: ${reasonOf(error)}`));
      if (++failedInARow >= MAX_FAILED_IN_A_ROW) throw new SearchesFailed();
      return undefined;
    }
  };
}

function reasonOf(error: AuroraError | RangeError): string {
  return error instanceof AuroraError ? error.publicMessage : error.message;
}

/** One event for each process that the matched events name, the earliest; in order. */
function distinctProcesses(events: readonly StoredEvent[]): StoredEvent[] {
  const byProcess = new Map<string, StoredEvent>();
  for (const event of events) {
    const key = processKey(event);
    if (key !== undefined && !byProcess.has(key)) byProcess.set(key, event);
  }
  return [...byProcess.values()];
}

/** Sysmon gives processes an id that is never reused; elsewhere the pid on the host has to do. */
function processKey(event: StoredEvent): string | undefined {
  const host = textOf(event, 'host.name');
  const id = textOf(event, 'process.entity_id') ?? textOf(event, 'process.pid');
  return host === undefined || id === undefined ? undefined : `${host} ${id}`;
}

async function examineProcess(search: Search, evidence: Evidence, process: StoredEvent): Promise<void> {
  evidence.examined.push(process);
  await findAncestors(search, evidence, process);
  const children = await findChildren(search, evidence, process);
  for (const child of children.slice(0, MAX_CHILDREN_FOLLOWED)) await findChildren(search, evidence, child);
  await findActivity(search, evidence, process);
  await findPrevalence(search, evidence, process);
}

async function findAncestors(search: Search, evidence: Evidence, process: StoredEvent): Promise<void> {
  let below = process;
  for (let level = 0; level < MAX_ANCESTORS; level++) {
    const terms = identityOf(below, 'process.parent', 'process');
    if (!terms) return;
    // A pid alone is reused: only starts before the child's, the latest of them.
    const range = { from: new Date(timeOf(below) - DAY_MS), to: new Date(timeOf(below) + 1) };
    const found = await search('the parent process', {
      terms: [...terms, { field: 'event.action', value: 'process-created' }],
      ...range,
      first: 10,
    });
    const parent = found?.events.filter((event) => event.id !== below.id).at(-1);
    if (!parent) return;
    evidence.ancestors.push(parent);
    below = parent;
  }
}

async function findChildren(search: Search, evidence: Evidence, process: StoredEvent): Promise<readonly StoredEvent[]> {
  const terms = identityOf(process, 'process', 'process.parent');
  if (!terms) return [];
  const found = await search('child processes', {
    terms: [...terms, { field: 'event.action', value: 'process-created' }],
    ...after(process),
    first: 50,
  });
  const children = (found?.events ?? []).filter((event) => event.id !== process.id);
  addNew(evidence.descendants, children);
  return children;
}

async function findActivity(search: Search, evidence: Evidence, process: StoredEvent): Promise<void> {
  const terms = identityOf(process, 'process', 'process');
  if (!terms) return;
  const found = await search('what the process did', { terms, ...around(process), first: PAGE });
  addNew(evidence.activity, found?.events ?? []);
  if (found?.hasMore) evidence.couldNotCheck.push(`A process did more than the ${PAGE} things that were examined.`);
}

async function findPrevalence(search: Search, evidence: Evidence, process: StoredEvent): Promise<void> {
  const start = isProcessStart(process)
    ? process
    : evidence.activity.find((event) => isProcessStart(event) && processKey(event) === processKey(process));
  if (!start) return;
  const programField =
    textOf(start, 'process.hash.sha256') === undefined ? 'process.executable' : 'process.hash.sha256';
  const program = await countHosts(search, evidence, start, programField, 'other runs of the program');
  if (program) evidence.programPrevalence.push(program);
  if (program && !program.isComplete && program.hosts < WIDESPREAD_PROGRAM_HOSTS)
    evidence.couldNotCheck.push(notCounted('program'));
  const command = await countHosts(search, evidence, start, 'process.command_line', 'other runs of the same command');
  if (command) evidence.commandPrevalence.push(command);
  if (command && !command.isComplete && command.hosts < WIDESPREAD_COMMAND_HOSTS)
    evidence.couldNotCheck.push(notCounted('command'));
}

function notCounted(what: 'program' | 'command'): string {
  return `On how many hosts the ${what} ran within a day is not known: there were more than the ${PAGE} runs that were looked at.`;
}

async function countHosts(
  search: Search,
  evidence: Evidence,
  start: StoredEvent,
  field: string,
  purpose: string,
): Promise<Prevalence | undefined> {
  const value = textOf(start, field);
  if (value === undefined) return undefined;
  if (value.length > MAX_VALUE_LENGTH) {
    evidence.couldNotCheck.push('A value is too long to be searched for on other hosts.');
    return undefined;
  }
  const terms = [
    { field, value },
    { field: 'event.action', value: 'process-created' },
  ];
  const range = { from: new Date(timeOf(start) - DAY_MS), to: new Date(timeOf(start) + AROUND_MS) };
  const found = await search(purpose, { terms, ...range, first: PAGE });
  if (!found) return undefined;
  const byHost = new Map<string, StoredEvent>();
  for (const event of [start, ...found.events]) {
    const host = textOf(event, 'host.name');
    if (host !== undefined && !byHost.has(host)) byHost.set(host, event);
  }
  return { field, hosts: byHost.size, isComplete: !found.hasMore, events: [...byHost.values()] };
}

async function findNeighbours(search: Search, evidence: Evidence): Promise<void> {
  const seen = new Set<string>();
  for (const event of evidence.matched) {
    const [host, user] = [textOf(event, 'host.name'), textOf(event, 'user.name')];
    if (
      host === undefined ||
      user === undefined ||
      SYSTEM_ACCOUNTS.has(user.toLowerCase()) ||
      seen.has(`${host} ${user}`)
    )
      continue;
    if (seen.size >= MAX_PROCESSES) return;
    seen.add(`${host} ${user}`);
    const terms = [
      { field: 'host.name', value: host },
      { field: 'user.name', value: user },
    ];
    const found = await search('what the user did on the host around that time', {
      terms,
      ...around(event),
      first: PAGE,
    });
    addNew(evidence.neighbours, found?.events ?? []);
    if (found?.hasMore)
      evidence.couldNotCheck.push(
        `The user did more on the host around that time than the ${PAGE} things that were examined.`,
      );
  }
}

/** Terms that find the process that `event` names under `from`, in events that name it under `to`. */
function identityOf(event: StoredEvent, from: string, to: string): SearchTerm[] | undefined {
  const host = textOf(event, 'host.name');
  const entityId = textOf(event, `${from}.entity_id`);
  const pid = textOf(event, `${from}.pid`);
  if (host === undefined || (entityId === undefined && pid === undefined)) return undefined;
  const identity =
    entityId === undefined ? { field: `${to}.pid`, value: pid ?? '' } : { field: `${to}.entity_id`, value: entityId };
  return [{ field: 'host.name', value: host }, identity];
}

function around(event: StoredEvent): { from: Date; to: Date } {
  return { from: new Date(timeOf(event) - AROUND_MS), to: new Date(timeOf(event) + AROUND_MS) };
}

function after(event: StoredEvent): { from: Date; to: Date } {
  return { from: new Date(timeOf(event)), to: new Date(timeOf(event) + AROUND_MS) };
}

function addNew(list: StoredEvent[], events: readonly StoredEvent[]): void {
  const known = new Set(list.map((event) => event.id));
  for (const event of events) if (!known.has(event.id)) list.push(event);
}
