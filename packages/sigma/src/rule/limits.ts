/**
 * What one rule may cost to read and to hold. Rules come from other people: each limit is far above anything in the
 * public rule sets and keeps the reading of a hostile rule well below a second.
 *
 * A limit that is tightened puts rules out of force that others have saved: count up `READER_VERSION`, so that they see it.
 */
export const LIMITS = {
  /** UTF-16 units of one YAML document. */
  documentLength: 128 * 1024,
  /** Lines of one document: folding a scalar costs by its lines, which are no tokens. The largest public rule has 1,125. */
  lines: 6_000,
  /**
   * Tokens of one document as YAML's lexer tells them, spaces and line ends among them. While one document is read
   * nothing else can run; the largest public rule has 5,649 of them.
   */
  yamlTokens: 8_000,
  /** Nodes of one document after its aliases are expanded: stops alias bombs. The largest public rule has 1,124. */
  yamlNodes: 6_000,
  /** Nesting of YAML collections. Sigma itself needs five. */
  yamlDepth: 32,
  conditionLength: 8_192,
  /** Nesting of parentheses and `not` in a condition. */
  conditionDepth: 64,
  /**
   * Comparisons of one rule after the condition is expanded, a selection counted as often as it is named; also the names
   * that its quantifiers look at. Public rules stay below 1,100.
   */
  comparisons: 6_000,
  /** Literals and wildcards of all text patterns of a rule. */
  patternParts: 24_000,
  /**
   * UTF-16 units between two `*` of a value, where one of them is `?` or a dash of `windash`: they are compared at each place of a
   * text. Public rules stay below 40.
   */
  wildcardPart: 256,
  /** UTF-16 units of one regular expression. */
  regexLength: 1_024,
  /** UTF-16 units of all regular expressions of a rule. Public rules stay below 300. */
  regexText: 1_024,
  /**
   * Instructions of all compiled regular expressions of a rule. Public rules stay below 300. What one of them takes on a field is
   * bounded by its reach, see `BoundedRegex`.
   */
  regexProgram: 600,
  /** Values one placeholder-bearing value may expand to. */
  placeholderExpansion: 10_000,
} as const;

/** Counted up with each change that refuses a rule which was read before: who notes that a rule can be read, notes this too. */
export const READER_VERSION = 3;
