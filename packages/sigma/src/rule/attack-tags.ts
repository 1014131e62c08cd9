/** MITRE ATT&CK enterprise tactics by the short names that Sigma tags use. */
const TACTIC_IDS: ReadonlyMap<string, string> = new Map([
  ['reconnaissance', 'TA0043'],
  ['resource-development', 'TA0042'],
  ['initial-access', 'TA0001'],
  ['execution', 'TA0002'],
  ['persistence', 'TA0003'],
  ['privilege-escalation', 'TA0004'],
  ['defense-evasion', 'TA0005'],
  ['credential-access', 'TA0006'],
  ['discovery', 'TA0007'],
  ['lateral-movement', 'TA0008'],
  ['collection', 'TA0009'],
  ['command-and-control', 'TA0011'],
  ['exfiltration', 'TA0010'],
  ['impact', 'TA0040'],
]);

const TECHNIQUE = /^attack\.(t\d{4}(?:\.\d{3})?)$/;

export interface AttackTags {
  /** For example `T1059.001`; order of the tags, no duplicates. */
  readonly techniques: readonly string[];
  /** For example `TA0002`; order of the tags, no duplicates. */
  readonly tactics: readonly string[];
}

/**
 * The ATT&CK technique and tactic ids among a rule's tags. Tactics are accepted with hyphens and with the underscores
 * of older rules. Tags of other namespaces, and of groups and software, are passed over.
 */
export function readAttackTags(tags: readonly string[]): AttackTags {
  const techniques = new Set<string>();
  const tactics = new Set<string>();
  for (const tag of tags.map((text) => text.toLowerCase())) {
    const technique = TECHNIQUE.exec(tag)?.[1];
    if (technique !== undefined) techniques.add(technique.toUpperCase());
    if (!tag.startsWith('attack.')) continue;
    const tactic = TACTIC_IDS.get(tag.slice('attack.'.length).replaceAll('_', '-'));
    if (tactic !== undefined) tactics.add(tactic);
  }
  return { techniques: [...techniques], tactics: [...tactics] };
}
