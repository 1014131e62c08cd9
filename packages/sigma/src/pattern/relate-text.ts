import type { TextRelation } from '../detection/detection-node.js';
import { findText } from './find-text.js';

/** Whether `text` stands to `other` as the relation says, for example starts with it. */
export function relateText(text: string, relation: TextRelation, other: string): boolean {
  switch (relation) {
    case 'equals':
      return text === other;
    case 'contains':
      return findText(text, other) >= 0;
    case 'startswith':
      return text.startsWith(other);
    case 'endswith':
      return text.endsWith(other);
  }
}
