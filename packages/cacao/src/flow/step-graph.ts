/** Which step leads to which. Tolerates broken steps: their shape is told of elsewhere. */
import { below } from '../problem.js';
import { isObject, type JsonObject, memberOf } from '../shape/shape.js';

export interface Edge {
  readonly to: string;
  /** Where the reference stands. */
  readonly pointer: string;
  /** Into the body of a loop, which ends by its condition. */
  readonly isLoopBody: boolean;
}

export interface Step {
  readonly id: string;
  readonly type: unknown;
  readonly object: JsonObject;
  readonly pointer: string;
  readonly edges: readonly Edge[];
}

/** By id, in the order of the document. */
export type StepGraph = ReadonlyMap<string, Step>;

export function readSteps(workflow: unknown): StepGraph {
  const steps = new Map<string, Step>();
  if (!isObject(workflow)) return steps;
  for (const [id, object] of Object.entries(workflow)) {
    if (!isObject(object)) continue;
    const pointer = below('/workflow', id);
    steps.set(id, { id, type: memberOf(object, 'type'), object, pointer, edges: readEdges(object, pointer) });
  }
  return steps;
}

const SUCCESSORS = ['on_completion', 'on_success', 'on_failure', 'on_true', 'on_false'] as const;

function readEdges(step: JsonObject, pointer: string): Edge[] {
  const isLoop = memberOf(step, 'type') === 'while-condition';
  const edges: Edge[] = [];
  const addEdge = (to: unknown, place: string, isLoopBody = false): void => {
    if (typeof to === 'string') edges.push({ to, pointer: place, isLoopBody });
  };
  for (const name of SUCCESSORS) addEdge(memberOf(step, name), below(pointer, name), isLoop && name === 'on_true');
  const nextSteps = memberOf(step, 'next_steps');
  if (Array.isArray(nextSteps))
    for (const [index, to] of nextSteps.entries()) addEdge(to, below(below(pointer, 'next_steps'), index));
  const cases = memberOf(step, 'cases');
  if (isObject(cases))
    for (const [name, to] of Object.entries(cases)) addEdge(to, below(below(pointer, 'cases'), name));
  return edges;
}

/** Ids of the steps that can be reached, the given ones included. */
export function reachableFrom(steps: StepGraph, ids: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [...ids];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const step = steps.get(id);
    if (!step || reached.has(id)) continue;
    reached.add(id);
    for (const { to } of step.edges) open.push(to);
  }
  return reached;
}

/**
 * Edges that close a cycle in which no loop decides whether to go round again: such a run would never end.
 * One per cycle that a depth-first walk meets, each by the edge that leads back.
 */
export function findCycles(steps: StepGraph): Edge[] {
  const closing: Edge[] = [];
  const state = new Map<string, 'open' | 'done'>();
  for (const first of steps.keys()) {
    // By hand: a recursion would be as deep as the workflow is long.
    const path: { readonly step: Step; next: number }[] = [];
    const enter = (id: string): void => {
      const step = steps.get(id);
      if (!step || state.has(id)) return;
      state.set(id, 'open');
      path.push({ step, next: 0 });
    };
    enter(first);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const edge = top.step.edges[top.next++];
      if (edge === undefined) {
        state.set(top.step.id, 'done');
        path.pop();
      } else if (!edge.isLoopBody) {
        if (state.get(edge.to) === 'open') closing.push(edge);
        else enter(edge.to);
      }
    }
  }
  return closing;
}
