/** Joins operators into one function, converting between the forms they read and give. */
import { decodeScalar, JsonArray, type JsonText, type JsonValue, quote, writeCanonical } from '../json/json-value.js';
import { createOperator } from '../operators/create-operator.js';
import type { Operator } from '../operators/operator.types.js';
import type { OperatorStep } from '../spec/mapping-spec.types.js';

type Texts = readonly string[];

/** The steps so far; which form the result has is known when the spec is compiled. */
type Stage =
  | { readonly gives: 'json'; readonly run: (value: JsonValue) => JsonValue | undefined }
  | { readonly gives: 'text'; readonly run: (value: JsonValue) => string | undefined }
  | { readonly gives: 'list'; readonly run: (value: JsonValue) => Texts | undefined };

/** @returns a function that gives canonical text, or nothing where the value is of no use to the steps. */
export function compileToJson(steps: readonly OperatorStep[]): (value: JsonValue) => JsonText | undefined {
  const stage = compileSteps(steps);
  if (stage.gives === 'json') {
    const { run } = stage;
    return (value) => {
      const result = run(value);
      return result === undefined || typeof result === 'string' ? result : writeCanonical(result);
    };
  }
  if (stage.gives === 'text') {
    const { run } = stage;
    return (value) => {
      const result = run(value);
      return result === undefined ? undefined : quote(result);
    };
  }
  const { run } = stage;
  return (value) => {
    const result = run(value);
    return result === undefined || result.length === 0 ? undefined : quoteAll(result);
  };
}

/** @returns a function that gives texts; none where the value is of no use to the steps. */
export function compileToTexts(steps: readonly OperatorStep[]): (value: JsonValue) => Texts {
  const run = toList(compileSteps(steps));
  return (value) => run(value) ?? [];
}

export function quoteAll(texts: Texts): JsonText {
  return `[${texts.map(quote).join(',')}]`;
}

function compileSteps(steps: readonly OperatorStep[]): Stage {
  const start: Stage = { gives: 'json', run: (value) => value };
  return steps.reduce<Stage>((stage, [name, ...args]) => append(stage, createOperator(name, args)), start);
}

function append(stage: Stage, operator: Operator): Stage {
  switch (operator.reads) {
    case 'json':
      return { gives: 'json', run: chain(toJson(stage), operator.apply) };
    case 'list':
      return operator.gives === 'text'
        ? { gives: 'text', run: chain(toList(stage), operator.apply) }
        : { gives: 'list', run: chain(toList(stage), operator.apply) };
    case 'text':
      return stage.gives === 'list' ? appendToEach(stage.run, operator) : appendToText(toText(stage), operator);
  }
}

function appendToText(run: (value: JsonValue) => string | undefined, operator: Operator & { reads: 'text' }): Stage {
  switch (operator.gives) {
    case 'text':
      return { gives: 'text', run: chain(run, operator.apply) };
    case 'json':
      return { gives: 'json', run: chain(run, operator.apply) };
    case 'list':
      return { gives: 'list', run: chain(run, operator.apply) };
  }
}

/** A text operator after a list works on every item; items it has no result for are left out. */
function appendToEach(run: (value: JsonValue) => Texts | undefined, operator: Operator & { reads: 'text' }): Stage {
  const { apply } = operator;
  const applyToAll = (items: Texts): Texts =>
    items.flatMap((item) => {
      const result = apply(item);
      if (result === undefined) return [];
      return typeof result === 'string' ? [result] : [...result];
    });
  return { gives: 'list', run: chain(run, applyToAll) };
}

function chain<From, Between, To>(
  first: (value: From) => Between | undefined,
  second: (value: Between) => To | undefined,
): (value: From) => To | undefined {
  return (value) => {
    const between = first(value);
    return between === undefined ? undefined : second(between);
  };
}

function toJson(stage: Stage): (value: JsonValue) => JsonValue | undefined {
  switch (stage.gives) {
    case 'json':
      return stage.run;
    case 'text':
      return chain(stage.run, quote);
    case 'list':
      return chain(stage.run, quoteAll);
  }
}

function toText(stage: Stage & { gives: 'json' | 'text' }): (value: JsonValue) => string | undefined {
  return stage.gives === 'text' ? stage.run : chain(stage.run, decodeScalar);
}

function toList(stage: Stage): (value: JsonValue) => Texts | undefined {
  switch (stage.gives) {
    case 'json':
      return chain(stage.run, decodeScalars);
    case 'text':
      return chain(stage.run, (text) => [text]);
    case 'list':
      return stage.run;
  }
}

/** A scalar counts as a list of one; in an array whatever is not a scalar is left out. */
function decodeScalars(value: JsonValue): Texts | undefined {
  if (value instanceof JsonArray) {
    return value.items.map(decodeScalar).filter((item) => item !== undefined);
  }
  const text = decodeScalar(value);
  return text === undefined ? undefined : [text];
}
