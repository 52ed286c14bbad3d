import {
  Environment,
  type ASTNode,
  type EvaluationError,
  type ParseError,
  type ParseResult,
  type TypeError as ExpressionTypeError,
} from '@marcbachmann/cel-js';
import type { RE2JS } from 're2js';
import type { Condition, ConditionPhase, ConditionSource } from '../kernel/condition.ts';
import { refill, spend } from './condition-budget.ts';
import { paramsVariable, recordVariables, type ContextField } from './condition-context.ts';
import { applyRules, type ConditionFindings, type ConditionProblem, type ConditionRules } from './condition-rules.ts';

export type { ConditionProblem } from './condition-rules.ts';

export const maxConditionCharacters = 2_000;
const MAX_NODES = 256;
const MAX_DEPTH = 16;

export interface CheckOptions {
  /** Names of the parameters that the pipeline declares; when given, any other name is a problem. */
  readonly params?: readonly string[];
}

export interface CompileOptions extends CheckOptions {
  /** Called with what an evaluation threw: a missing key, a wrong type, a text that is too long. */
  readonly onError: (error: Error) => void;
  /** The outcome of an evaluation that threw. Default false; true for a guard, which then acts. */
  readonly fallback?: boolean;
}

/** All problems of a condition, in the order of its text; empty for one that can be compiled. */
export function checkCondition(text: string, phase: ConditionPhase, options: CheckOptions = {}): ConditionProblem[] {
  return analyse(text, { phase, ...options }).problems;
}

/**
 * The fields that a condition reads, such as `request.model` or `response.model`, and `params` as a whole.
 * Meant for one that has no problems.
 */
export function conditionReads(text: string, phase: ConditionPhase): ReadonlySet<string> {
  return analyse(text, { phase }).reads;
}

/** Compiles a condition. Throws a TypeError that names the first problem; `checkCondition` gives them all. */
export function compileCondition(text: string, phase: ConditionPhase, options: CompileOptions): Condition {
  const { problems, patterns } = analyse(text, { phase, ...(options.params && { params: options.params }) });
  const [problem] = problems;
  if (problem !== undefined) throw new TypeError(`The condition is not valid at ${problem.offset}: ${problem.message}`);
  const evaluate = withPatterns(patterns, phase).parse(text);
  evaluate.check();
  return bind(evaluate, text, options);
}

function bind(evaluate: ParseResult, text: string, { onError, fallback = false }: CompileOptions): Condition {
  return (source) => {
    try {
      refill();
      const outcome: unknown = evaluate(new ContextRecord(source));
      if (typeof outcome === 'boolean') return outcome;
      throw new TypeError(`the condition gave ${typeof outcome} in place of a bool`);
    } catch (error) {
      onError(runtimeError(error as Error, text));
      return fallback;
    }
  };
}

/** The language puts values of the request into its messages; the log must not have them, so the place is told instead. */
function runtimeError(error: Error, text: string): Error {
  const { code, range } = error as Partial<EvaluationError>;
  if (typeof code !== 'string') return error;
  const place = range === undefined ? text : text.slice(range.start, Math.max(range.end, range.start + 1));
  return new Error(`${code.replaceAll('_', ' ')} at ${range?.start ?? 0}: ${place}`);
}

// ---- the environment of the language ---------------------------------------------------------------------------------

type View = new (source: ConditionSource) => object;

/** A record whose fields are computed when an expression reads them, so nothing else costs anything. */
function viewOf(fields: Readonly<Record<string, ContextField>>): View {
  class RecordView {
    readonly source: ConditionSource;

    constructor(source: ConditionSource) {
      this.source = source;
    }
  }
  for (const [name, field] of Object.entries(fields)) {
    Object.defineProperty(RecordView.prototype, name, {
      get(this: RecordView) {
        return field.read(this.source);
      },
    });
  }
  return RecordView;
}

const views = {
  request: viewOf(recordVariables.request),
  caller: viewOf(recordVariables.caller),
  response: viewOf(recordVariables.response),
};

/** All variables of one evaluation. Those that an expression does not name are never made. */
class ContextRecord {
  readonly #source: ConditionSource;

  constructor(source: ConditionSource) {
    this.#source = source;
  }

  get request(): object {
    return new views.request(this.#source);
  }

  get caller(): object {
    return new views.caller(this.#source);
  }

  get params(): unknown {
    return paramsVariable.read(this.#source);
  }

  get response(): object {
    return new views.response(this.#source);
  }
}

const environments: Readonly<Record<ConditionPhase, Environment>> = {
  request: environmentOf(['request', 'caller']),
  response: environmentOf(['request', 'caller', 'response']),
  end: environmentOf(['request', 'caller', 'response']),
};

/** The language without variables, within its limits. */
export function bareEnvironment(): Environment {
  return new Environment({ enableOptionalTypes: true, limits: { maxAstNodes: MAX_NODES, maxDepth: MAX_DEPTH } });
}

function environmentOf(records: readonly (keyof typeof recordVariables)[]): Environment {
  const environment = bareEnvironment();
  for (const name of records) {
    const fields = Object.fromEntries(Object.entries(recordVariables[name]).map(([key, field]) => [key, field.type]));
    const typeName = `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
    environment.registerType(typeName, { ctor: views[name], fields }).registerVariable(name, typeName);
  }
  return environment.registerVariable('params', paramsVariable.type);
}

/** Each condition has an environment of its own, so its patterns live exactly as long as the condition. */
function withPatterns(patterns: ReadonlyMap<string, RE2JS>, phase: ConditionPhase): Environment {
  return bindPatterns(patterns, environments[phase].clone());
}

/** Gives an environment the method `.re`, for the patterns of one expression. */
export function bindPatterns(patterns: ReadonlyMap<string, RE2JS>, environment: Environment): Environment {
  const match = (text: string, source: string): boolean => {
    const pattern = patterns.get(source);
    if (pattern === undefined) throw new TypeError('the pattern was not compiled');
    spend(text.length * pattern.programSize());
    return pattern.test(text);
  };
  return environment.registerFunction('string.re(string): bool', match, { async: false });
}

// ---- problems --------------------------------------------------------------------------------------------------------

function analyse(text: string, rules: ConditionRules): ConditionFindings {
  if (text.length > maxConditionCharacters) {
    return failed({
      code: 'condition.limit',
      message: `a condition has at most ${maxConditionCharacters} characters; this one has ${text.length}`,
      offset: maxConditionCharacters,
    });
  }
  const environment = withPatterns(new Map(), rules.phase);
  let ast: ASTNode;
  try {
    ({ ast } = environment.parse(text));
  } catch (error) {
    return failed(syntaxProblem(error as ParseError, text));
  }
  const findings = applyRules(ast, rules);
  for (const problem of typeProblems(ast, environment)) {
    if (!findings.problems.some((known) => overlap(known, problem))) findings.problems.push(problem);
  }
  findings.problems.sort((one, other) => one.offset - other.offset);
  return findings;
}

function failed(problem: ConditionProblem): ConditionFindings {
  return { problems: [problem], reads: new Set(), patterns: new Map() };
}

/** The checker stops at the first mistake, so each operand of `&&` and `||` is checked by itself. */
function typeProblems(node: ASTNode, environment: Environment, isWhole = true): ConditionProblem[] {
  if (node.op === '&&' || node.op === '||')
    return node.args.flatMap((operand) => typeProblems(operand, environment, false));
  if (node.op === '!_' && (node.args.op === '&&' || node.args.op === '||'))
    return typeProblems(node.args, environment, false);
  const { type, error } = checkNode(node, environment);
  const place = { code: 'condition.type', offset: node.start, length: node.end - node.start } as const;
  if (error !== undefined) {
    const { start, end } = error.range ?? node;
    return [{ ...place, message: reword(error), offset: start, length: end - start }];
  }
  if (type === 'bool' || (type === 'dyn' && !isWhole)) return [];
  const hint = type === 'dyn' ? 'compare it, as in "... == true"' : 'compare it with something';
  return [{ ...place, message: `a condition must be true or false, but this is of type ${type}; ${hint}` }];
}

/** The checker takes only what it parsed itself, so the node is put into a list that it parsed. */
function checkNode(
  node: ASTNode,
  environment: Environment,
): { readonly type: string; readonly error?: ParseError | ExpressionTypeError } {
  const holder = environment.parse('[true]');
  if (holder.ast.op === 'list') holder.ast.args[0] = node;
  const { type = '', error } = holder.check();
  return { type: /^list<(.+)>$/.exec(type)?.[1] ?? 'dyn', ...(error && { error }) };
}

export function syntaxProblem(error: ParseError, text: string): ConditionProblem {
  const { start, end } = error.range ?? { start: 0, end: text.length };
  return {
    code: error.code === 'limit_exceeded' ? 'condition.limit' : 'condition.syntax',
    message: reword(error),
    offset: Math.min(start, text.length),
    length: Math.max(0, Math.min(end, text.length) - start),
  };
}

export function reword({ code, summary }: ParseError | ExpressionTypeError): string {
  const overload = /^no such overload: (.+)$/.exec(summary);
  if (overload !== null) return `this does not work on these types: ${overload[1] ?? ''}`;
  if (code === 'unexpected_token' && summary.endsWith('EOF')) return 'the condition ends too early';
  if (code === 'limit_exceeded')
    return summary.includes('maxDepth')
      ? `the condition is nested deeper than ${MAX_DEPTH} levels`
      : `the condition is too large (${summary})`;
  return summary;
}

function overlap(one: ConditionProblem, other: ConditionProblem): boolean {
  return one.offset < other.offset + (other.length ?? 1) && other.offset < one.offset + (one.length ?? 1);
}
