/** Gathers what the endpoint reasoner looks at: the alert's processes, what is above, below and beside them, and how common they are. */
import type { AgentRun } from '../agent-program.js';
import { ToolBudgetExhausted } from '../agent-program.js';
import { textOf, timeOf } from '../reasoner/event-fields.js';
import type { AlertWithEvents, StoredEvent } from '../tools/graph-tools.js';
import { MAX_VALUE_LENGTH, type SearchTerm } from '../tools/query-text.js';

export interface Prevalence {
  /** The field that was compared. */
  readonly field: string;
  readonly hosts: number;
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
  isBudgetExhausted: boolean;
}

const AROUND_MS = 10 * 60_000;
const DAY_MS = 24 * 3_600_000;
const MAX_PROCESSES = 3;
const MAX_ANCESTORS = 4;
const MAX_CHILDREN_FOLLOWED = 3;
const PAGE = 200;
/** Windows event ids that tell the start of a process: Sysmon 1, Security 4688. */
const PROCESS_START = new Set(['1', '4688']);
const SYSTEM_ACCOUNTS = new Set(['system', 'local service', 'network service']);

export function isProcessStart(event: StoredEvent): boolean {
  return (
    textOf(event, 'event.action') === 'process-created' ||
    (PROCESS_START.has(textOf(event, 'event.code') ?? '') && textOf(event, 'process.name') !== undefined)
  );
}

/** Never fails for lack of budget: what is missing then is said in the evidence. */
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
    isBudgetExhausted: false,
  };
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
    for (const process of processes.slice(0, MAX_PROCESSES)) await examineProcess(run, evidence, process);
    await findNeighbours(run, evidence);
  } catch (error) {
    if (!(error instanceof ToolBudgetExhausted)) throw error;
    evidence.isBudgetExhausted = true;
    evidence.couldNotCheck.push(`The budget ended the search: ${error.message}`);
  }
  return evidence;
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

async function examineProcess(run: AgentRun, evidence: Evidence, process: StoredEvent): Promise<void> {
  evidence.examined.push(process);
  await findAncestors(run, evidence, process);
  const children = await findChildren(run, evidence, process);
  for (const child of children.slice(0, MAX_CHILDREN_FOLLOWED)) await findChildren(run, evidence, child);
  await findActivity(run, evidence, process);
  await findPrevalence(run, evidence, process);
}

async function findAncestors(run: AgentRun, evidence: Evidence, process: StoredEvent): Promise<void> {
  let below = process;
  for (let level = 0; level < MAX_ANCESTORS; level++) {
    const terms = identityOf(below, 'process.parent', 'process');
    if (!terms) return;
    // A pid alone is reused: only starts before the child's, the latest of them.
    const range = { from: new Date(timeOf(below) - DAY_MS), to: new Date(timeOf(below) + 1) };
    const { events } = await run.tools.searchEvents('the parent process', {
      terms: [...terms, { field: 'event.action', value: 'process-created' }],
      ...range,
      first: 10,
    });
    const parent = events.filter((event) => event.id !== below.id).at(-1);
    if (!parent) return;
    evidence.ancestors.push(parent);
    below = parent;
  }
}

async function findChildren(run: AgentRun, evidence: Evidence, process: StoredEvent): Promise<readonly StoredEvent[]> {
  const terms = identityOf(process, 'process', 'process.parent');
  if (!terms) return [];
  const { events } = await run.tools.searchEvents('child processes', {
    terms: [...terms, { field: 'event.action', value: 'process-created' }],
    ...after(process),
    first: 50,
  });
  const children = events.filter((event) => event.id !== process.id);
  addNew(evidence.descendants, children);
  return children;
}

async function findActivity(run: AgentRun, evidence: Evidence, process: StoredEvent): Promise<void> {
  const terms = identityOf(process, 'process', 'process');
  if (!terms) return;
  const { events, hasMore } = await run.tools.searchEvents('what the process did', {
    terms,
    ...around(process),
    first: PAGE,
  });
  addNew(evidence.activity, events);
  if (hasMore) evidence.couldNotCheck.push(`A process did more than the ${PAGE} things that were examined.`);
}

async function findPrevalence(run: AgentRun, evidence: Evidence, process: StoredEvent): Promise<void> {
  const start = isProcessStart(process)
    ? process
    : evidence.activity.find((event) => isProcessStart(event) && processKey(event) === processKey(process));
  if (!start) return;
  const programField =
    textOf(start, 'process.hash.sha256') === undefined ? 'process.executable' : 'process.hash.sha256';
  const program = await countHosts(run, evidence, start, programField, 'other runs of the program');
  if (program) evidence.programPrevalence.push(program);
  const command = await countHosts(run, evidence, start, 'process.command_line', 'other runs of the same command');
  if (command) evidence.commandPrevalence.push(command);
}

async function countHosts(
  run: AgentRun,
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
  const { events } = await run.tools.searchEvents(purpose, { terms, ...range, first: PAGE });
  const byHost = new Map<string, StoredEvent>();
  for (const event of [start, ...events]) {
    const host = textOf(event, 'host.name');
    if (host !== undefined && !byHost.has(host)) byHost.set(host, event);
  }
  return { field, hosts: byHost.size, events: [...byHost.values()] };
}

async function findNeighbours(run: AgentRun, evidence: Evidence): Promise<void> {
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
    const { events, hasMore } = await run.tools.searchEvents('what the user did on the host around that time', {
      terms,
      ...around(event),
      first: PAGE,
    });
    addNew(evidence.neighbours, events);
    if (hasMore)
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
