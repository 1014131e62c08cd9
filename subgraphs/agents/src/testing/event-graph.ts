/** Windows events of our own writing, in the form in which they are stored, for specs of the reasoner. */
import type { StoredEvent } from '../fleet/tools/graph-tools.js';

export interface TestAlert {
  readonly id: string;
  readonly title: string;
  readonly severity: 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL';
  readonly techniques: readonly string[];
  readonly traceparent: string | null;
  readonly eventIds: readonly string[];
  /** Whose it is. @default whoever asks */
  readonly tenant?: string;
}

export interface EventGraph {
  readonly alerts: readonly TestAlert[];
  readonly events: readonly StoredEvent[];
}

const START = Date.parse('2026-03-04T05:00:00.000Z');

/** The n-th of a series of ids. */
export function idAt(n: number): string {
  return `01999999-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

export interface ProcessFacts {
  readonly host?: string;
  readonly user?: string;
  readonly pid: number;
  readonly parentPid?: number;
  readonly executable: string;
  readonly parentExecutable?: string;
  readonly commandLine: string;
  readonly originalFileName?: string;
  readonly atSecond?: number;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('\\') + 1);
}

/** Events get their ids in the order in which they are written. */
export class EventWriter {
  readonly events: StoredEvent[];

  /** @param before - events that were written already. */
  constructor(before: readonly StoredEvent[] = []) {
    this.events = [...before];
  }

  processStart(facts: ProcessFacts): StoredEvent {
    const {
      host = 'ws01.example.test',
      user = 'alice',
      pid,
      parentPid,
      executable,
      parentExecutable,
      commandLine,
    } = facts;
    return this.write(facts.atSecond ?? this.events.length, host, '1', 'process-created', {
      user: { name: user, domain: 'EXAMPLE' },
      process: {
        pid,
        entity_id: `proc-${host}-${pid}`,
        executable,
        name: nameOf(executable),
        command_line: commandLine,
        hash: { sha256: hashOf(executable) },
        pe: { original_file_name: facts.originalFileName ?? nameOf(executable) },
        ...(parentPid === undefined
          ? {}
          : {
              parent: {
                pid: parentPid,
                entity_id: `proc-${host}-${parentPid}`,
                executable: parentExecutable ?? '',
                name: nameOf(parentExecutable ?? ''),
              },
            }),
      },
    });
  }

  /** A Sysmon event other than a process start. */
  sysmon(
    code: string,
    action: string,
    pid: number,
    more: Record<string, unknown>,
    host = 'ws01.example.test',
    atSecond = this.events.length,
  ): StoredEvent {
    return this.write(atSecond, host, code, action, {
      user: { name: 'alice' },
      process: {
        pid,
        entity_id: `proc-${host}-${pid}`,
        executable: 'C:\\Users\\alice\\AppData\\Local\\Temp\\update.exe',
        name: 'update.exe',
      },
      ...more,
    });
  }

  write(atSecond: number, host: string, code: string, action: string, more: Record<string, unknown>): StoredEvent {
    const id = idAt(this.events.length + 1);
    const timestamp = new Date(START + atSecond * 1_000).toISOString();
    const document = {
      '@timestamp': timestamp,
      event: { id, code, action, module: 'sysmon' },
      host: { name: host },
      ...more,
    };
    const event = { id, timestamp, document };
    this.events.push(event);
    return event;
  }
}

/** Not a hash, but as good as one for equality. */
function hashOf(text: string): string {
  return Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64);
}

export const ALERT_ID = '0199aaaa-0000-7000-8000-000000000001';

function alertOn(events: readonly StoredEvent[], severity: TestAlert['severity']): TestAlert {
  const traceparent = '00-11111111111111111111111111111111-2222222222222222-01';
  return {
    id: ALERT_ID,
    title: 'Encoded PowerShell',
    severity,
    techniques: ['T1059.001'],
    traceparent,
    eventIds: events.map((event) => event.id),
  };
}

const POWERSHELL = 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe';

/** A document starts PowerShell, which fetches a program, which reads LSASS and talks to the outside. */
export function attackGraph(): EventGraph {
  const writer = new EventWriter();
  writer.processStart({ pid: 10, executable: 'C:\\Windows\\explorer.exe', commandLine: 'explorer.exe' });
  writer.processStart({
    pid: 20,
    parentPid: 10,
    parentExecutable: 'C:\\Windows\\explorer.exe',
    executable: 'C:\\Program Files\\Office\\WINWORD.EXE',
    commandLine: '"WINWORD.EXE" invoice.docm',
  });
  const shell = writer.processStart({
    pid: 30,
    parentPid: 20,
    parentExecutable: 'C:\\Program Files\\Office\\WINWORD.EXE',
    executable: POWERSHELL,
    commandLine: 'powershell.exe -nop -w hidden -enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQA',
  });
  writer.processStart({
    pid: 40,
    parentPid: 30,
    parentExecutable: POWERSHELL,
    executable: 'C:\\Users\\alice\\AppData\\Local\\Temp\\update.exe',
    commandLine: 'update.exe "quoted \\ value"',
  });
  writer.sysmon('10', 'process-accessed', 30, {
    winlog: { event_data: { TargetImage: 'C:\\Windows\\System32\\lsass.exe' } },
  });
  writer.sysmon('3', 'network-connection', 30, { destination: { ip: '203.0.113.7', port: 443 } });
  for (const [pid, tool] of [
    [50, 'whoami.exe'],
    [51, 'nltest.exe'],
    [52, 'systeminfo.exe'],
  ] as const) {
    writer.processStart({
      pid,
      parentPid: 40,
      parentExecutable: 'C:\\Users\\alice\\AppData\\Local\\Temp\\update.exe',
      executable: `C:\\Windows\\System32\\${tool}`,
      commandLine: tool,
    });
  }
  return { alerts: [alertOn([shell], 'HIGH')], events: writer.events };
}

/** The attack's shell does many things more, a verdict's timeline has room for 60 events. */
export function busyAttackGraph(): EventGraph {
  const { alerts, events } = attackGraph();
  const writer = new EventWriter(events);
  for (let file = 0; file < 70; file++)
    writer.sysmon('11', 'file-created', 30, { file: { path: `C:\\Users\\alice\\Documents\\${file}.locked` } });
  return { alerts, events: writer.events };
}

/** The attack, by somebody who puts into command line and registry what PostgreSQL cannot hold. */
export function unstorableAttackGraph(): EventGraph {
  const { alerts, events } = attackGraph();
  const writer = new EventWriter(
    events.map(
      (event) =>
        JSON.parse(
          JSON.stringify(event).replaceAll('invoice', '\\u0000\\ud83d').replaceAll(' -nop', ' -nop \\u0000\\ud83d'),
        ) as StoredEvent,
    ),
  );
  writer.sysmon('13', 'registry-value-set', 30, {
    winlog: { event_data: { TargetObject: 'HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\x\0\ud83d' } },
  });
  return { alerts, events: writer.events };
}

/** Software management runs an inventory script on eight hosts. */
export function managementGraph(): EventGraph {
  const writer = new EventWriter();
  const agent = 'C:\\Windows\\CCM\\CcmExec.exe';
  const commandLine = 'powershell.exe -enc RwBlAHQALQBJAG4AdgBlAG4AdABvAHIAeQA=';
  const starts = Array.from({ length: 8 }, (_, index) =>
    writer.processStart({
      host: `ws0${index}.example.test`,
      user: 'SYSTEM',
      pid: 100,
      parentPid: 4,
      parentExecutable: agent,
      executable: POWERSHELL,
      commandLine,
    }),
  );
  return { alerts: [alertOn(starts.slice(0, 1), 'MEDIUM')], events: writer.events };
}

/** A single process about which nothing else is known. */
export function bareGraph(severity: TestAlert['severity'] = 'HIGH'): EventGraph {
  const writer = new EventWriter();
  const start = writer.processStart({
    pid: 7,
    executable: 'C:\\Program Files\\Tool\\tool.exe',
    commandLine: 'tool.exe',
  });
  return { alerts: [alertOn([start], severity)], events: writer.events };
}
