/** Which input a client's mistake is in, as graphql-js points at it. */
import { type ASTNode, isValueNode, Kind, type Token, TokenKind } from 'graphql';

/**
 * Of a variable its name; of a value in the document the names that lead to it from its field, such as `filter.from`.
 * @returns undefined where the mistake is in neither.
 */
export function mistakenField(nodes: readonly ASTNode[] | undefined): string | undefined {
  const node = nodes?.[0];
  if (node?.kind === Kind.VARIABLE_DEFINITION) return node.variable.name.value;
  if (node?.kind === Kind.VARIABLE) return node.name.value;
  return node !== undefined && isValueNode(node) && node.loc ? namesBefore(node.loc.startToken) : undefined;
}

const OPENING: readonly string[] = [TokenKind.PAREN_L, TokenKind.BRACKET_L, TokenKind.BRACE_L];
const CLOSING: readonly string[] = [TokenKind.PAREN_R, TokenKind.BRACKET_R, TokenKind.BRACE_R];

/** Read backwards from a value, since a node of the document does not know what it is part of. */
function namesBefore(value: Token): string | undefined {
  const names: string[] = [];
  let depth = 0;
  // Before a colon stands what the value belongs to; further colons are of its neighbours, until it is left by a brace.
  let next: 'colon' | 'name' | 'brace' = 'colon';
  for (let token = value.prev; token !== null; token = token.prev) {
    const { kind } = token;
    if (CLOSING.includes(kind)) depth++;
    else if (depth > 0) depth -= OPENING.includes(kind) ? 1 : 0;
    else if (kind === TokenKind.PAREN_L) break;
    else if (kind === TokenKind.BRACE_L) next = 'colon';
    else if (kind === TokenKind.COLON && next === 'colon') next = 'name';
    else if (kind === TokenKind.NAME && next === 'name') {
      names.unshift(token.value);
      next = 'brace';
    }
  }
  return names.length > 0 ? names.join('.') : undefined;
}
