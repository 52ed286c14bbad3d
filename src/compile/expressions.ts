import { ParseError, type ParseResult } from '@marcbachmann/cel-js';
import type { Expression, Expressions } from '../kernel/expression.ts';
import { refill } from './condition-budget.ts';
import { expressionValue } from './condition-context.ts';
import { applyRules } from './condition-rules.ts';
import { bareEnvironment, bindPatterns, maxConditionCharacters, reword, syntaxProblem } from './conditions.ts';

/**
 * Expressions over values that a component offers, in the language of the conditions and with its limits: no function of the
 * language that can take forever, `.re` in place of `matches`, a budget for each evaluation, values under the caps of
 * parameters and metadata. Whole numbers are integers.
 */
export function createExpressions(): Expressions {
  return { compile: compileExpression };
}

function compileExpression(text: string, names: readonly string[]): Expression {
  const evaluate = parse(text, names);
  return (values) => {
    try {
      refill();
      const context: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
      for (const name of names) context[name] = expressionValue(values[name]);
      return evaluate(context);
    } catch {
      // The language puts values into its messages, so what failed is told to nobody.
      return undefined;
    }
  };
}

/** Throws a TypeError for the first problem. */
function parse(text: string, names: readonly string[]): ParseResult {
  if (text.length > maxConditionCharacters)
    throw problem(maxConditionCharacters, `it has more than ${maxConditionCharacters} characters`);
  const environment = bareEnvironment();
  for (const name of names) environment.registerVariable(name, 'dyn');
  const { ast } = parsed(() => bindPatterns(new Map(), environment.clone()).parse(text), text);
  const findings = applyRules(ast, { phase: 'response', names });
  const [first] = findings.problems.sort((one, other) => one.offset - other.offset);
  if (first !== undefined) throw problem(first.offset, first.message);
  const evaluate = parsed(() => bindPatterns(findings.patterns, environment.clone()).parse(text), text);
  const { error } = evaluate.check();
  if (error !== undefined) throw problem(error.range?.start ?? 0, reword(error));
  return evaluate;
}

function parsed(work: () => ParseResult, text: string): ParseResult {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const { offset, message } = syntaxProblem(error, text);
    throw problem(offset, message);
  }
}

function problem(offset: number, message: string): TypeError {
  return new TypeError(`The expression is not valid at ${offset}: ${message}`);
}
