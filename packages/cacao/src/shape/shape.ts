/** The words in which the tables of this folder say what an object looks like. */
import { below, type ProblemCode, quote, type Report } from '../problem.js';

/** Reports what is wrong with the value at that place. */
export type Shape = (value: unknown, pointer: string, report: Report) => void;

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The member, if the object has it itself: what `JSON.parse` made inherits `constructor` and the like. */
export function memberOf(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function wrongType(expected: string, pointer: string, report: Report): void {
  report.add('WRONG_TYPE', pointer, `Expected ${expected}`);
}

export const text: Shape = (value, pointer, report) => {
  if (typeof value !== 'string') wrongType('a text', pointer, report);
};

export const flag: Shape = (value, pointer, report) => {
  if (typeof value !== 'boolean') wrongType('true or false', pointer, report);
};

export const anyObject: Shape = (value, pointer, report) => {
  if (!isObject(value)) wrongType('an object', pointer, report);
};

export function integer(min: number, max: number = Number.MAX_SAFE_INTEGER): Shape {
  return (value, pointer, report) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) wrongType('a whole number', pointer, report);
    else if (value < min || value > max)
      report.add(
        'OUT_OF_RANGE',
        pointer,
        max === Number.MAX_SAFE_INTEGER ? `Expected at least ${min}` : `Expected ${min} to ${max}`,
      );
  };
}

export function oneOf(...values: readonly string[]): Shape {
  return (value, pointer, report) => {
    if (typeof value !== 'string') wrongType('a text', pointer, report);
    else if (!values.includes(value))
      report.add('UNKNOWN_VALUE', pointer, `${quote(value)} is not one of ${values.join(', ')}`);
  };
}

/** A text for which `isGood` holds. */
export function textThat(isGood: (value: string) => boolean, code: ProblemCode, message: string): Shape {
  return (value, pointer, report) => {
    if (typeof value !== 'string') wrongType('a text', pointer, report);
    else if (!isGood(value)) report.add(code, pointer, message);
  };
}

export function listOf(shape: Shape, minItems = 0): Shape {
  return (value, pointer, report) => {
    if (!Array.isArray(value)) return wrongType('a list', pointer, report);
    if (value.length < minItems) report.add('EMPTY', pointer, `Expected at least ${minItems} of them`);
    for (const [index, item] of value.entries()) shape(item, below(pointer, index), report);
  };
}

/** An object whose keys are names. @param key - reports a bad one at the member's place. */
export function dictionaryOf(shape: Shape, key: Shape, minEntries = 0): Shape {
  return (value, pointer, report) => {
    if (!isObject(value)) return wrongType('an object', pointer, report);
    const entries = Object.entries(value);
    if (entries.length < minEntries) report.add('EMPTY', pointer, `Expected at least ${minEntries} of them`);
    for (const [name, member] of entries) {
      key(name, below(pointer, name), report);
      shape(member, below(pointer, name), report);
    }
  };
}

export interface ObjectShape {
  readonly required?: Readonly<Record<string, Shape>>;
  readonly optional?: Readonly<Record<string, Shape>>;
}

/** An object with these members; others are kept and warned of. */
export function object({ required = {}, optional = {} }: ObjectShape): Shape {
  const shapes = new Map([...Object.entries(required), ...Object.entries(optional)]);
  return (value, pointer, report) => {
    if (!isObject(value)) return wrongType('an object', pointer, report);
    for (const name of Object.keys(required))
      if (!Object.hasOwn(value, name)) report.add('MISSING', below(pointer, name), `${name} is required here`);
    for (const [name, member] of Object.entries(value)) {
      const shape = shapes.get(name);
      if (shape) shape(member, below(pointer, name), report);
      else report.add('UNKNOWN_PROPERTY', below(pointer, name), 'The specification knows no such property here');
    }
  };
}

/** Looks at these members and at no others: the rest is the affair of whoever defined the object's type. */
export function onlyKnown(shape: ObjectShape): Shape {
  const whole = object(shape);
  const names = [...Object.keys(shape.required ?? {}), ...Object.keys(shape.optional ?? {})];
  return (value, pointer, report) => {
    if (!isObject(value)) return whole(value, pointer, report);
    const known = names.filter((name) => Object.hasOwn(value, name)).map((name) => [name, value[name]]);
    whole(Object.fromEntries(known), pointer, report);
  };
}

/** All of them hold. */
export function both(...shapes: readonly Shape[]): Shape {
  return (value, pointer, report) => {
    for (const shape of shapes) shape(value, pointer, report);
  };
}

/** Exactly, or at least, one of these members is there. */
export function someOf(names: readonly string[], isExclusive: boolean): Shape {
  return (value, pointer, report) => {
    if (!isObject(value)) return;
    const present = names.filter((name) => Object.hasOwn(value, name));
    if (present.length === 0)
      report.add('MISSING', below(pointer, names[0] ?? ''), `One of ${names.join(', ')} is required here`);
    else if (isExclusive && present.length > 1)
      report.add('NOT_ALLOWED', pointer, `Only one of ${names.join(', ')} may be here`);
  };
}

/** The object's `type` chooses its shape. @param otherwise - for a type that is not in the table. */
export function byType(table: Readonly<Record<string, Shape>>, otherwise: Shape): Shape {
  const shapes = new Map(Object.entries(table));
  return (value, pointer, report) => {
    const type = isObject(value) ? memberOf(value, 'type') : undefined;
    const shape = typeof type === 'string' ? shapes.get(type) : undefined;
    (shape ?? otherwise)(value, pointer, report);
  };
}
