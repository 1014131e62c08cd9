/** Does the workflow lead from its start to an end, and never round in circles? */
import { below, quote, type Report } from '../problem.js';
import { isObject, type JsonObject, memberOf } from '../shape/shape.js';
import { findCycles, reachableFrom, readSteps, type Step, type StepGraph } from './step-graph.js';

export function checkFlow(playbook: JsonObject, report: Report): StepGraph {
  const workflow = memberOf(playbook, 'workflow');
  const steps = readSteps(workflow);
  if (!isObject(workflow)) return steps;
  if (Object.keys(workflow).length === 0) report.add('EMPTY_WORKFLOW', '/workflow', 'The workflow has no steps');
  checkReferences(playbook, steps, report);
  checkKinds(playbook, steps, report);
  for (const { pointer, to } of findCycles(steps))
    report.add('CYCLE', pointer, `This leads back to ${quote(to)} without a while-condition: the run would never end`);
  return steps;
}

function checkReferences(playbook: JsonObject, steps: StepGraph, report: Report): void {
  const start = memberOf(playbook, 'workflow_start');
  const exception = memberOf(playbook, 'workflow_exception');
  if (typeof start === 'string' && !steps.has(start))
    report.add('DANGLING_STEP', '/workflow_start', `The workflow has no step ${quote(start)}`);
  // A run without an exception does not need it, and with one it ends as failed either way.
  if (typeof exception === 'string' && !steps.has(exception))
    report.add('DANGLING_EXCEPTION', '/workflow_exception', `The workflow has no step ${quote(exception)}`);
  for (const step of steps.values()) {
    for (const { to, pointer } of step.edges)
      if (!steps.has(to)) report.add('DANGLING_STEP', pointer, `The workflow has no step ${quote(to)}`);
    checkSuccessors(step, report);
  }
  // What hangs on a start that is not there would all be called unreachable.
  if (typeof start !== 'string' || !steps.has(start)) return;
  const reached = reachableFrom(steps, [start, ...(typeof exception === 'string' ? [exception] : [])]);
  for (const { id, pointer } of steps.values())
    if (!reached.has(id)) report.add('UNREACHABLE_STEP', pointer, 'No other step leads here');
}

/** Section 4.1: either one successor whatever happens, or one for success and perhaps one for failure. */
function checkSuccessors({ object, pointer }: Step, report: Report): void {
  if (Object.hasOwn(object, 'on_completion') && Object.hasOwn(object, 'on_success'))
    report.add(
      'TWO_SUCCESSORS',
      below(pointer, 'on_success'),
      'on_completion names another step for the same outcome; keep one of them',
    );
}

function checkKinds(playbook: JsonObject, steps: StepGraph, report: Report): void {
  if (steps.size === 0) return;
  const types = new Set([...steps.values()].map((step) => step.type));
  const start = memberOf(playbook, 'workflow_start');
  const first = typeof start === 'string' ? steps.get(start) : undefined;
  if (first && first.type !== 'start')
    report.add(
      'NO_START',
      '/workflow_start',
      'The first step is not of type start; the run begins with it all the same',
    );
  if (!types.has('end')) report.add('NO_END', '/workflow', 'The workflow has no step of type end');
  if (!types.has('action') && !types.has('playbook-action'))
    report.add('NO_ACTION', '/workflow', 'No step does anything: there is neither an action nor a playbook-action');
}
