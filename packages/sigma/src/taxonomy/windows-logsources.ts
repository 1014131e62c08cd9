/**
 * Which Windows event log entries belong to which Sigma log source.
 *
 * @see https://github.com/SigmaHQ/sigma-specification, "Sigma Taxonomy", Windows folder
 */

/** Sigma service by event log channel, both lower case. */
export const SERVICE_OF_CHANNEL: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    application: ['Application'],
    'application-experience': [
      'Microsoft-Windows-Application-Experience/Program-Telemetry',
      'Microsoft-Windows-Application-Experience/Program-Compatibility-Assistant',
    ],
    applocker: [
      'Microsoft-Windows-AppLocker/MSI and Script',
      'Microsoft-Windows-AppLocker/EXE and DLL',
      'Microsoft-Windows-AppLocker/Packaged app-Deployment',
      'Microsoft-Windows-AppLocker/Packaged app-Execution',
    ],
    'appmodel-runtime': ['Microsoft-Windows-AppModel-Runtime/Admin'],
    'appxdeployment-server': ['Microsoft-Windows-AppXDeploymentServer/Operational'],
    'appxpackaging-om': ['Microsoft-Windows-AppxPackaging/Operational'],
    bitlocker: ['Microsoft-Windows-BitLocker/BitLocker Management'],
    'bits-client': ['Microsoft-Windows-Bits-Client/Operational'],
    capi2: ['Microsoft-Windows-CAPI2/Operational'],
    'certificateservicesclient-lifecycle-system': [
      'Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational',
    ],
    'codeintegrity-operational': ['Microsoft-Windows-CodeIntegrity/Operational'],
    dhcp: ['Microsoft-Windows-DHCP-Server/Operational'],
    'diagnosis-scripted': ['Microsoft-Windows-Diagnosis-Scripted/Operational'],
    'dns-client': ['Microsoft-Windows-DNS Client Events/Operational', 'Microsoft-Windows-DNS-Client/Operational'],
    'dns-server': ['DNS Server'],
    'dns-server-analytic': ['Microsoft-Windows-DNS-Server/Analytical'],
    'dns-server-audit': ['Microsoft-Windows-DNS-Server/Audit'],
    'driver-framework': ['Microsoft-Windows-DriverFrameworks-UserMode/Operational'],
    'firewall-as': ['Microsoft-Windows-Windows Firewall With Advanced Security/Firewall'],
    'hyper-v-worker': ['Microsoft-Windows-Hyper-V-Worker', 'Microsoft-Windows-Hyper-V-Worker-Admin'],
    'iis-configuration': ['Microsoft-IIS-Configuration/Operational'],
    'kernel-event-tracing': ['Microsoft-Windows-Kernel-EventTracing', 'Microsoft-Windows-Kernel-EventTracing/Admin'],
    'kernel-shimengine': [
      'Microsoft-Windows-Kernel-ShimEngine/Operational',
      'Microsoft-Windows-Kernel-ShimEngine/Diagnostic',
    ],
    ldap: ['Microsoft-Windows-LDAP-Client/Debug'],
    ldap_debug: ['Microsoft-Windows-LDAP-Client/Debug'],
    'lsa-server': ['Microsoft-Windows-LSA/Operational'],
    'microsoft-servicebus-client': ['Microsoft-ServiceBus-Client/Operational', 'Microsoft-ServiceBus-Client/Admin'],
    'msexchange-management': ['MSExchange Management'],
    ntfs: ['Microsoft-Windows-Ntfs/Operational'],
    ntlm: ['Microsoft-Windows-NTLM/Operational'],
    openssh: ['OpenSSH/Operational'],
    powershell: ['Microsoft-Windows-PowerShell/Operational', 'PowerShellCore/Operational'],
    'powershell-classic': ['Windows PowerShell'],
    'printservice-admin': ['Microsoft-Windows-PrintService/Admin'],
    'printservice-operational': ['Microsoft-Windows-PrintService/Operational'],
    security: ['Security'],
    'security-mitigations': [
      'Microsoft-Windows-Security-Mitigations/Kernel Mode',
      'Microsoft-Windows-Security-Mitigations/User Mode',
    ],
    sense: ['Microsoft-Windows-SENSE/Operational'],
    'servicebus-client': ['Microsoft-ServiceBus-Client/Operational', 'Microsoft-ServiceBus-Client/Admin'],
    'shell-core': ['Microsoft-Windows-Shell-Core/Operational'],
    'smbclient-connectivity': ['Microsoft-Windows-SmbClient/Connectivity'],
    'smbclient-security': ['Microsoft-Windows-SmbClient/Security'],
    'smbserver-connectivity': ['Microsoft-Windows-SMBServer/Connectivity'],
    sysmon: ['Microsoft-Windows-Sysmon/Operational', 'Linux-Sysmon/Operational'],
    system: ['System'],
    taskscheduler: ['Microsoft-Windows-TaskScheduler/Operational'],
    'terminalservices-localsessionmanager': ['Microsoft-Windows-TerminalServices-LocalSessionManager/Operational'],
    vhdmp: ['Microsoft-Windows-VHDMP/Operational'],
    windefend: ['Microsoft-Windows-Windows Defender/Operational'],
    wmi: ['Microsoft-Windows-WMI-Activity/Operational'],
  }).reduce((byChannel, [service, channels]) => {
    for (const channel of channels.map((name) => name.toLowerCase()))
      byChannel.set(channel, [...(byChannel.get(channel) ?? []), service]);
    return byChannel;
  }, new Map<string, string[]>()),
);

/** Sigma service by event provider, for events that do not name their channel; both lower case. */
export const SERVICE_OF_PROVIDER: ReadonlyMap<string, readonly string[]> = new Map([
  ['microsoft-windows-sysmon', ['sysmon']],
  ['microsoft-windows-security-auditing', ['security']],
  ['microsoft-windows-powershell', ['powershell']],
  ['powershellcore', ['powershell']],
  ['powershell', ['powershell-classic']],
  ['microsoft-windows-windows defender', ['windefend']],
  ['microsoft-windows-taskscheduler', ['taskscheduler']],
  ['service control manager', ['system']],
]);

const REGISTRY_OBJECT_ID = '12';

/** Categories by event id of Sysmon, on Windows and on Linux. 12 is refined by `categoriesOfEvent`. */
const SYSMON_CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  1: ['process_creation'],
  2: ['file_change'],
  3: ['network_connection'],
  4: ['sysmon_status'],
  5: ['process_termination'],
  6: ['driver_load'],
  7: ['image_load'],
  8: ['create_remote_thread'],
  9: ['raw_access_thread'],
  10: ['process_access'],
  11: ['file_event'],
  [REGISTRY_OBJECT_ID]: ['registry_event', 'registry_add', 'registry_delete'],
  13: ['registry_event', 'registry_set'],
  14: ['registry_event', 'registry_rename'],
  15: ['create_stream_hash'],
  16: ['sysmon_status'],
  17: ['pipe_created'],
  18: ['pipe_created'],
  19: ['wmi_event'],
  20: ['wmi_event'],
  21: ['wmi_event'],
  22: ['dns_query'],
  23: ['file_delete'],
  24: ['clipboard_capture', 'clipboard_change'],
  25: ['process_tampering'],
  26: ['file_delete', 'file_delete_detected'],
  27: ['file_block_executable'],
  28: ['file_block_shredding'],
  29: ['file_executable_detected'],
  255: ['sysmon_error'],
};

/** Malware found, acted upon or remembered by Microsoft Defender Antivirus. */
const DEFENDER_MALWARE_IDS = ['1006', '1007', '1008', '1009', '1010', '1011', '1012', '1017', '1018', '1019'].concat([
  '1115',
  '1116',
  '1117',
  '1118',
  '1119',
]);

/** Categories by service and event id. */
const SERVICE_CATEGORIES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  sysmon: SYSMON_CATEGORIES,
  security: { 4688: ['process_creation'] },
  powershell: { 4103: ['ps_module'], 4104: ['ps_script'] },
  'powershell-classic': { 400: ['ps_classic_start'], 600: ['ps_classic_provider_start'], 800: ['ps_classic_script'] },
  windefend: Object.fromEntries(DEFENDER_MALWARE_IDS.map((id) => [id, ['antivirus']])),
};

/** Event ids of the ETW provider Microsoft-Windows-Kernel-File, which has no channel of its own. */
const KERNEL_FILE_CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  12: ['file_access'],
  30: ['file_access'],
  19: ['file_rename'],
  27: ['file_rename'],
  29: ['file_rename'],
};

export interface WindowsEventKeys {
  readonly channel: string;
  readonly provider: string;
  readonly eventId: string;
  /** `EventType` of Sysmon's event 12. */
  readonly eventType: string;
}

/**
 * Sigma categories of an entry of the given services. Sysmon reports the creation and the deletion of registry objects
 * under one id; its `EventType` tells them apart, and without it the entry counts as both.
 */
export function categoriesOfEvent(services: readonly string[], keys: WindowsEventKeys): readonly string[] {
  if (keys.provider.toLowerCase() === 'microsoft-windows-kernel-file')
    return KERNEL_FILE_CATEGORIES[keys.eventId] ?? [];
  const categories = services.flatMap((service) => SERVICE_CATEGORIES[service]?.[keys.eventId] ?? []);
  if (keys.eventId !== REGISTRY_OBJECT_ID || !services.includes('sysmon')) return categories;
  const type = keys.eventType.toLowerCase();
  if (type.startsWith('create')) return categories.filter((category) => category !== 'registry_delete');
  if (type.startsWith('delete')) return categories.filter((category) => category !== 'registry_add');
  return categories;
}
