/**
 * What a rule costs to read and to hold, in units of no dimension: those who take rules from others keep sums of it bounded.
 * A unit takes a few microseconds to read; what it takes in memory is told in the README of the alerts.
 */
const PER_COMPARISON = 8;
const PER_REGEX_INSTRUCTION = 8;
const CHARACTERS_PER_UNIT = 8;

export interface RuleSize {
  readonly characters: number;
  readonly yamlTokens: number;
  /** After aliases are expanded. */
  readonly yamlNodes: number;
  readonly comparisons: number;
  readonly regexProgram: number;
}

export function weigh({ characters, yamlTokens, yamlNodes, comparisons, regexProgram }: RuleSize): number {
  return (
    Math.ceil(characters / CHARACTERS_PER_UNIT) +
    yamlTokens +
    yamlNodes +
    comparisons * PER_COMPARISON +
    regexProgram * PER_REGEX_INSTRUCTION
  );
}
