/** What an agent is made of, apart from the protocol that it is reached by. */
import type { Instruction, StepReport, TaskOrder } from '../a2a/contract.js';
import type { GraphTools } from './tools/graph-tools.js';

/** One run of an agent over one task. */
export interface AgentRun {
  readonly order: TaskOrder;
  readonly instruction: Instruction;
  readonly tools: GraphTools;
  /** Aborted when nobody waits for the result any more. */
  readonly signal: AbortSignal;
  /** Tells a step to whoever dispatched the task; its ordinal is counted here. */
  readonly tellStep: (step: Pick<StepReport, 'kind' | 'title'> & Partial<Omit<StepReport, 'ordinal'>>) => void;
}

/** @returns the result, in the shape that the agent's schema asks for. @throws AgentFailure for an end that has a reason. */
export type AgentProgram = (run: AgentRun) => Promise<unknown>;

/** The task cannot be done, and this is why. */
export class AgentFailure extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'AgentFailure';
  }
}

/** No tool call is left. Programs that can do with less catch it and say so. */
export class ToolBudgetExhausted extends AgentFailure {
  constructor(maxCalls: number) {
    super('BUDGET_EXHAUSTED', `All ${maxCalls} calls of tools are used up.`);
    this.name = 'ToolBudgetExhausted';
  }
}
