/** Is everything that steps, agents and targets name defined in the playbook? */
import { below, quote, type Report } from '../problem.js';
import { isObject, type JsonObject, memberOf } from '../shape/shape.js';
import type { StepGraph } from './step-graph.js';

export function checkDefinitions(playbook: JsonObject, steps: StepGraph, report: Report): void {
  const agents = keysOf(playbook, 'agent_definitions');
  const targets = keysOf(playbook, 'target_definitions');
  const extensions = keysOf(playbook, 'extension_definitions');
  const ownId = memberOf(playbook, 'id');
  for (const { type, object, pointer } of steps.values()) {
    if (type === 'action') {
      const agent = memberOf(object, 'agent');
      if (typeof agent === 'string' && !agents.has(agent))
        report.add('UNDEFINED_AGENT', below(pointer, 'agent'), `agent_definitions has no ${quote(agent)}`);
      // Who carries commands out may be what they are carried out on.
      for (const [target, place] of textsOf(memberOf(object, 'targets'), below(pointer, 'targets')))
        if (!targets.has(target) && !agents.has(target))
          report.add('UNDEFINED_TARGET', place, `target_definitions has no ${quote(target)}`);
    }
    if (type === 'playbook-action' && typeof ownId === 'string' && memberOf(object, 'playbook_id') === ownId)
      report.add('CALLS_ITSELF', below(pointer, 'playbook_id'), 'The playbook runs itself: the run would never end');
    checkExtensions(object, 'step_extensions', pointer, extensions, report);
  }
  checkAgents(playbook, extensions, report);
  const markings = keysOf(playbook, 'data_marking_definitions');
  for (const [marking, place] of textsOf(memberOf(playbook, 'markings'), '/markings'))
    if (!markings.has(marking))
      report.add('UNDEFINED_MARKING', place, `data_marking_definitions has no ${quote(marking)}`);
}

function checkAgents(playbook: JsonObject, extensions: ReadonlySet<string>, report: Report): void {
  const logins = keysOf(playbook, 'authentication_info_definitions');
  for (const section of ['agent_definitions', 'target_definitions']) {
    for (const [key, agent] of membersOf(playbook, section)) {
      if (!isObject(agent)) continue;
      const pointer = below(below('', section), key);
      const login = memberOf(agent, 'authentication_info');
      if (typeof login === 'string' && !logins.has(login))
        report.add(
          'UNDEFINED_AUTHENTICATION',
          below(pointer, 'authentication_info'),
          `authentication_info_definitions has no ${quote(login)}`,
        );
      checkExtensions(agent, 'agent_target_extensions', pointer, extensions, report);
    }
  }
}

function checkExtensions(
  object: JsonObject,
  name: string,
  pointer: string,
  defined: ReadonlySet<string>,
  report: Report,
): void {
  const used = memberOf(object, name);
  if (!isObject(used)) return;
  for (const key of Object.keys(used))
    if (!defined.has(key))
      report.add('UNDEFINED_EXTENSION', below(below(pointer, name), key), 'extension_definitions does not define it');
}

function membersOf(playbook: JsonObject, section: string): [string, unknown][] {
  const value = memberOf(playbook, section);
  return isObject(value) ? Object.entries(value) : [];
}

function keysOf(playbook: JsonObject, section: string): ReadonlySet<string> {
  return new Set(membersOf(playbook, section).map(([key]) => key));
}

function textsOf(value: unknown, pointer: string): [string, string][] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item, index): [string, string][] =>
    typeof item === 'string' ? [[item, below(pointer, index)]] : [],
  );
}
