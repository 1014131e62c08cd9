/** Windows records of our own, as a shipper would send them. */

export interface ProcessStart {
  readonly host: string;
  readonly user: string;
  readonly image: string;
  readonly commandLine: string;
  readonly parentImage: string;
  readonly processGuid?: string;
  readonly parentGuid?: string;
  readonly at?: Date;
  /** A number of the client's own, found again as `winlog.event_data.ClientNumber`. */
  readonly clientNumber?: number;
}

/** Sysmon event 1, in the shape that evtx exporters write. */
export function processStart(start: ProcessStart): object {
  const at = (start.at ?? new Date()).toISOString();
  return {
    Event: {
      System: {
        Provider: { '#attributes': { Name: 'Microsoft-Windows-Sysmon' } },
        EventID: 1,
        Channel: 'Microsoft-Windows-Sysmon/Operational',
        Computer: start.host,
        EventRecordID: 1,
        TimeCreated: { '#attributes': { SystemTime: at } },
      },
      EventData: {
        UtcTime: at,
        ProcessGuid: start.processGuid ?? '{00000000-0000-0000-0000-000000000001}',
        ProcessId: 4_711,
        Image: start.image,
        OriginalFileName: '-',
        CommandLine: start.commandLine,
        User: start.user,
        IntegrityLevel: 'High',
        ParentProcessGuid: start.parentGuid ?? '{00000000-0000-0000-0000-000000000000}',
        ParentProcessId: 640,
        ParentImage: start.parentImage,
        ParentCommandLine: start.parentImage,
        ...(start.clientNumber === undefined ? {} : { ClientNumber: String(start.clientNumber) }),
      },
    },
  };
}

/** Fires the built-in rule "Shadow copies deleted". */
export function shadowCopiesDeleted(host: string, more: Partial<ProcessStart> = {}): object {
  return processStart({
    host,
    user: 'CORP\\eve',
    image: 'C:\\Windows\\System32\\vssadmin.exe',
    commandLine: 'vssadmin.exe delete shadows /all /quiet',
    parentImage: 'C:\\Users\\eve\\AppData\\Local\\Temp\\lock.exe',
    ...more,
  });
}

export function toNdjson(events: readonly object[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}
