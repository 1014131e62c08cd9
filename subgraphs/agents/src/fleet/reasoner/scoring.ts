/**
 * The additive scoring of the built-in reasoner `rules`, whole and in one place.
 *
 * score = points of the alert's severity + points of each indicator that was found, each counted once.
 *
 * | disposition     | when                                                                        |
 * |-----------------|-----------------------------------------------------------------------------|
 * | TRUE_POSITIVE   | score ≥ 60                                                                  |
 * | BENIGN_POSITIVE | score < 30, and the activity was started by software management             |
 * | FALSE_POSITIVE  | score < 30, nothing suspicious, and the same command runs on many hosts     |
 * | UNDETERMINED    | else                                                                        |
 *
 * The points are judgement, not measurement: they order what an analyst would weigh. Confidence says how far the score lies
 * from the next disposition; it is no probability.
 */
import type { Disposition, Severity } from '../../a2a/contract.js';

export interface Indicator {
  /** Positive: speaks for an attack; negative: against; 0: context. */
  readonly points: number;
  /** The claim. Without anything out of events: those values stand in the citations. */
  readonly text: string;
  /** ATT&CK techniques that it shows. */
  readonly techniques: readonly string[];
}

const indicator = (points: number, text: string, ...techniques: string[]): Indicator => ({ points, text, techniques });

export const INDICATORS = {
  matched_event: indicator(0, 'The events that the rule matched are in the record.'),
  office_started_shell: indicator(
    30,
    'An office program or a browser started a shell or a script host.',
    'T1204.002',
    'T1059',
  ),
  system_tool_abused: indicator(
    20,
    'A tool of the operating system was called in a way that runs or loads foreign code.',
    'T1218',
  ),
  encoded_command: indicator(20, 'PowerShell was called with an encoded command.', 'T1027', 'T1059.001'),
  evasive_shell_options: indicator(
    10,
    'PowerShell was called hidden, without profile or with its execution policy bypassed.',
    'T1059.001',
    'T1564.003',
  ),
  download_in_command: indicator(20, 'A command fetches something from the network.', 'T1105'),
  user_writable_program: indicator(15, 'A program runs from a folder that any user can write to.', 'T1204'),
  renamed_program: indicator(25, 'A system tool runs under another file name.', 'T1036.003'),
  lsass_access: indicator(30, 'A process opened the memory of LSASS.', 'T1003.001'),
  credential_store_copied: indicator(35, 'A command copies or dumps stored credentials.', 'T1003'),
  remote_thread: indicator(25, 'A process started a thread in another process.', 'T1055'),
  autostart_written: indicator(20, 'A program was put into an autostart key of the registry.', 'T1547.001'),
  service_installed: indicator(15, 'A service was installed.', 'T1543.003'),
  task_scheduled: indicator(15, 'A scheduled task was created.', 'T1053.005'),
  account_created: indicator(20, 'An account was created, or put into a privileged group.', 'T1136'),
  log_cleared: indicator(35, 'An event log was cleared.', 'T1070.001'),
  recovery_disabled: indicator(35, 'Shadow copies or recovery options were removed.', 'T1490'),
  connected_outside: indicator(10, 'A process of the tree connected to a public address.', 'T1071'),
  discovery_burst: indicator(
    15,
    'Three or more discovery tools ran for the same user on the host within minutes.',
    'T1082',
    'T1033',
  ),
  antimalware_detection: indicator(30, 'Antimalware software detected something on the host at that time.'),
  rare_program: indicator(5, 'The program was seen on one host only within a day.'),
  widespread_command: indicator(-25, 'The same command ran on five or more hosts within a day.'),
  widespread_program: indicator(-10, 'The same program ran on ten or more hosts within a day.'),
  management_parent: indicator(-30, 'The activity was started by software management that is installed on the host.'),
  no_follow_up: indicator(
    -10,
    'Within ten minutes of it the process did nothing else: no children, no network, no files, no registry.',
  ),
} as const satisfies Record<string, Indicator>;
export type IndicatorId = keyof typeof INDICATORS;

export const SEVERITY_POINTS: Readonly<Record<Severity, number>> = {
  INFORMATIONAL: 0,
  LOW: 5,
  MEDIUM: 15,
  HIGH: 30,
  CRITICAL: 40,
};

const ATTACK_FROM = 60;
const BENIGN_BELOW = 30;
/** What could not be checked takes this much of the confidence, at most twice. */
const UNCHECKED_COST = 0.1;

export interface Weighing {
  readonly score: number;
  readonly disposition: Disposition;
  /** 0.05 to 0.95, two decimals. */
  readonly confidence: number;
}

export function isIndicator(id: string): id is IndicatorId {
  return Object.hasOwn(INDICATORS, id);
}

/**
 * @param found - ids in any order; repeated and unknown ones do not count.
 * @param unchecked - how many things could not be checked.
 */
export function weigh(severity: Severity, found: readonly string[], unchecked: number): Weighing {
  const ids = [...new Set(found)].filter(isIndicator);
  const score = ids.reduce((sum, id) => sum + INDICATORS[id].points, SEVERITY_POINTS[severity]);
  const disposition = dispositionOf(score, ids);
  const confidence = confidenceIn(disposition, score) - UNCHECKED_COST * Math.min(2, unchecked);
  return { score, disposition, confidence: Math.round(Math.min(0.95, Math.max(0.05, confidence)) * 100) / 100 };
}

function dispositionOf(score: number, found: readonly IndicatorId[]): Disposition {
  if (score >= ATTACK_FROM) return 'TRUE_POSITIVE';
  if (score >= BENIGN_BELOW) return 'UNDETERMINED';
  if (found.includes('management_parent')) return 'BENIGN_POSITIVE';
  const isSuspicious = found.some((id) => INDICATORS[id].points > 0);
  return !isSuspicious && found.includes('widespread_command') ? 'FALSE_POSITIVE' : 'UNDETERMINED';
}

function confidenceIn(disposition: Disposition, score: number): number {
  if (disposition === 'TRUE_POSITIVE') return 0.6 + (score - ATTACK_FROM) / 150;
  if (disposition === 'UNDETERMINED') return 0.3;
  return 0.6 + (BENIGN_BELOW - score) / 150;
}
