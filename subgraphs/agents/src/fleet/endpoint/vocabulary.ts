/** Names and patterns that the endpoint indicators know. File names are lower case. */

/** Anything that says whether a text shows something; regular expressions do. */
export interface Pattern {
  test(text: string): boolean;
}

/**
 * Matches where the parts follow each other with anything in between. One expression with wildcards would take time by the
 * square of a hostile command line's length; this takes it once per part.
 */
function inOrder(...parts: readonly RegExp[]): Pattern {
  return {
    test: (text) => {
      let rest = text;
      for (const part of parts) {
        const match = part.exec(rest);
        if (!match) return false;
        rest = rest.slice(match.index + match[0].length);
      }
      return true;
    },
  };
}

function anyOf(...patterns: readonly Pattern[]): Pattern {
  return { test: (text) => patterns.some((pattern) => pattern.test(text)) };
}

export const DOCUMENT_PROGRAMS = new Set([
  'winword.exe',
  'excel.exe',
  'powerpnt.exe',
  'outlook.exe',
  'onenote.exe',
  'mspub.exe',
  'visio.exe',
  'acrord32.exe',
  'chrome.exe',
  'msedge.exe',
  'firefox.exe',
]);
export const SHELLS = new Set([
  'cmd.exe',
  'powershell.exe',
  'pwsh.exe',
  'wscript.exe',
  'cscript.exe',
  'mshta.exe',
  'rundll32.exe',
  'regsvr32.exe',
  'wmic.exe',
  'bash.exe',
]);
export const POWERSHELLS = new Set(['powershell.exe', 'pwsh.exe', 'powershell_ise.exe']);
export const DISCOVERY_TOOLS = new Set([
  'whoami.exe',
  'net.exe',
  'net1.exe',
  'nltest.exe',
  'systeminfo.exe',
  'ipconfig.exe',
  'tasklist.exe',
  'quser.exe',
  'netstat.exe',
  'arp.exe',
  'route.exe',
  'hostname.exe',
  'dsquery.exe',
  'nbtstat.exe',
  'qwinsta.exe',
]);

/** Tools that run or load what their arguments name (ATT&CK T1218), with the arguments that do so. */
export const PROXY_TOOLS: ReadonlyMap<string, RegExp> = new Map([
  ['mshta.exe', /https?:|javascript:|vbscript:/i],
  ['rundll32.exe', /javascript:|https?:|\\(appdata|temp|public|programdata)\\|comsvcs/i],
  ['regsvr32.exe', /\/i:|scrobj|https?:/i],
  ['certutil.exe', /[-/](urlcache|verifyctl|decode|decodehex|encode)/i],
  ['bitsadmin.exe', /\/(transfer|addfile|setnotifycmdline)/i],
  ['installutil.exe', /\/u|\/logfile=/i],
  ['msbuild.exe', /\\(appdata|temp|public|programdata)\\|\.xml/i],
  ['cmstp.exe', /\/(s|ni|au)\b/i],
  ['esentutl.exe', /\/vss|\/y\b/i],
  ['wmic.exe', /process\s+call\s+create|\/format:/i],
  ['msiexec.exe', /https?:/i],
]);

/** System tools whose name in the file's own resource is compared with the name it runs under. */
export const RENAMED_TOOLS = new Set([
  'powershell.exe',
  'pwsh.dll',
  'cmd.exe',
  'rundll32.exe',
  'regsvr32.exe',
  'mshta.exe',
  'certutil.exe',
  'wmic.exe',
  'cscript.exe',
  'wscript.exe',
  'psexec.c',
  'psexesvc.exe',
  'bitsadmin.exe',
  'procdump',
  'adfind.exe',
]);

/** Agents of software management; they count only where they are installed, see {@link INSTALLED}. */
export const MANAGEMENT_PROGRAMS = new Set([
  'ccmexec.exe',
  'gpscript.exe',
  'microsoft.management.services.intunewindowsagent.exe',
  'agentexecutor.exe',
  'puppet.exe',
  'ruby.exe',
  'chef-client.bat',
  'salt-minion.exe',
  'taniumclient.exe',
  'pdqdeployrunner-1.exe',
  'monitoringhost.exe',
  'trustedinstaller.exe',
]);
/** Folders that take an administrator to write to. */
export const INSTALLED = /^[a-z]:\\(windows\\(ccm|system32|servicing|imecache|syswow64)\\|program files( \(x86\))?\\)/i;

export const USER_WRITABLE =
  /\\(users\\[^\\]+\\(appdata|downloads|desktop|documents)|users\\public|windows\\temp|programdata|temp|perflogs|\$recycle\.bin)\\/i;
export const ENCODED_COMMAND = /\s[-/]e(nc|ncodedcommand|c)?\s+[a-z0-9+/=]{16,}/i;
export const EVASIVE_OPTIONS =
  /\s[-/](w(in(dowstyle)?)?\s+hidden|nop(rofile)?|e(x(ec(utionpolicy)?)?|p)\s+(bypass|unrestricted))\b/i;
export const DOWNLOAD = anyOf(
  inOrder(
    /downloadstring|downloadfile|downloaddata|invoke-webrequest|\biwr\b|\bwget\b|\bcurl\b|start-bitstransfer|urlcache|\/transfer/i,
    /https?:\/\//i,
  ),
  inOrder(/https?:\/\//i, /downloadstring|downloadfile|-outfile|\s-o\s/i),
);
export const CREDENTIAL_COPY = anyOf(
  inOrder(/comsvcs/i, /minidump|#\+?24\b/i),
  inOrder(/\breg(\.exe)?"?\s+(save|export)\s+"?hk(lm|ey_local_machine)\\(sam|security|system)\b/i),
  inOrder(/ntds\.dit|\\config\\(sam|security)\b|sekurlsa|lsadump/i),
  inOrder(/procdump/i, /lsass/i),
);
export const RECOVERY_REMOVED = anyOf(
  inOrder(/vssadmin/i, /delete\s+shadows|resize\s+shadowstorage/i),
  inOrder(/shadowcopy/i, /delete/i),
  inOrder(/bcdedit/i, /recoveryenabled\s+no|ignoreallfailures/i),
  inOrder(/wbadmin/i, /delete/i),
);
export const TASK_CREATED = inOrder(/schtasks(\.exe)?"?\s/i, /\/create\b/i);
export const LOG_CLEARED = inOrder(/wevtutil(\.exe)?"?\s+(cl|clear-log)\b|clear-eventlog/i);
export const ACCOUNT_ADDED = inOrder(/\bnet1?(\.exe)?"?\s+(user|localgroup\s+administrators)\s/i, /\/add\b/i);
export const AUTOSTART_KEY =
  /\\currentversion\\(run|runonce|policies\\explorer\\run)(\\|$)|\\winlogon\\(shell|userinit)$/i;
