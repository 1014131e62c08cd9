import type { NumericOperator } from '../detection/detection-node.js';

const NUMBER = /^[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:e[+-]?\d{1,3})?$/i;
const HEXADECIMAL = /^0x[0-9a-f]{1,13}$/i;

/** The number a field's text stands for: decimal, or hexadecimal as Windows logs masks. Null when it is none. */
export function readNumber(text: string): number | null {
  return NUMBER.test(text) || HEXADECIMAL.test(text) ? Number(text) : null;
}

export function compareNumbers(left: number, operator: NumericOperator, right: number): boolean {
  switch (operator) {
    case 'eq':
      return left === right;
    case 'lt':
      return left < right;
    case 'lte':
      return left <= right;
    case 'gt':
      return left > right;
    case 'gte':
      return left >= right;
  }
}
