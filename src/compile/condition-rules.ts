import type { ASTNode } from '@marcbachmann/cel-js';
import { RE2JS } from 're2js';
import { nearestName } from '../definitions/nearest-name.ts';
import type { ConditionPhase } from '../kernel/condition.ts';
import { maxConditionListItems, recordVariables } from './condition-context.ts';

export type ConditionCode =
  | 'condition.syntax'
  | 'condition.type'
  | 'condition.variable'
  | 'condition.phase'
  | 'condition.function'
  | 'condition.pattern'
  | 'condition.limit';

/** A finding about a condition. `offset` and `length` count UTF-16 code units of its text. */
export interface ConditionProblem {
  /** Dotted code of the diagnostic. */
  readonly code: ConditionCode;
  readonly message: string;
  readonly offset: number;
  readonly length?: number;
}

/** What a walk through an expression found. */
export interface ConditionFindings {
  readonly problems: ConditionProblem[];
  /** Every field that is read, such as `request.model`; `params` as a whole. */
  readonly reads: Set<string>;
  /** Patterns of `.re()`, compiled. */
  readonly patterns: Map<string, RE2JS>;
}

export interface ConditionRules {
  readonly phase: ConditionPhase;
  /** Names that the pipeline declares; without them every name is taken. */
  readonly params?: readonly string[];
  /** Names of variables that hold any value, in place of those of a pipeline. */
  readonly names?: readonly string[];
}

/** Instructions of a compiled pattern; `.{1000}` alone has a thousand. */
const MAX_PATTERN_INSTRUCTIONS = 2_000;
/** A macro may hold one more, so two lists can be compared. */
const MAX_MACRO_DEPTH = 2;

const macros: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);
const functions: ReadonlySet<string> = new Set([
  'size',
  'has',
  'int',
  'uint',
  'double',
  'string',
  'bool',
  'dyn',
  'type',
]);
const methods: ReadonlySet<string> = new Set([
  ...macros,
  'contains',
  'startsWith',
  'endsWith',
  'lowerAscii',
  'upperAscii',
  'trim',
  'indexOf',
  'lastIndexOf',
  'substring',
  'split',
  'size',
  're',
  'or',
  'orValue',
  'hasValue',
  'value',
  'none',
  'of',
]);
const typeNames: ReadonlySet<string> = new Set([
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'list',
  'map',
  'null_type',
  'type',
]);
const variables = ['request', 'caller', 'params', 'response'] as const;

/** Walks an expression once and collects everything that the type checker of the language does not refuse. */
export function applyRules(ast: ASTNode, rules: ConditionRules): ConditionFindings {
  const walk = new RuleWalk(rules);
  walk.visit(ast, new Set(), 0);
  walk.finish();
  return walk.findings;
}

class RuleWalk {
  readonly findings: ConditionFindings = { problems: [], reads: new Set(), patterns: new Map() };
  readonly #rules: ConditionRules;
  readonly #boundlessSplits: ASTNode[] = [];
  #usesMacros = false;

  constructor(rules: ConditionRules) {
    this.#rules = rules;
  }

  /** `scope` holds the names that macros bind; `depth` counts the macros around the node. */
  visit(node: ASTNode, scope: ReadonlySet<string>, depth: number): void {
    switch (node.op) {
      case 'value':
        return;
      case 'id':
        return this.#visitVariable(node, node.args, scope);
      case '.':
      case '.?':
        return this.#visitField(node, node.args[0], node.args[1], scope, depth);
      case '[]':
      case '[?]':
        return this.#visitIndex(node, node.args[0], node.args[1], scope, depth);
      case 'call':
        return this.#visitCall(node, node.args[0], node.args[1], scope, depth);
      case 'rcall':
        return this.#visitMethod(node, node.args[0], node.args[1], node.args[2], scope, depth);
      case '!_':
      case '-_':
        return this.visit(node.args, scope, depth);
      case 'map':
        for (const entry of node.args) for (const part of entry) this.visit(part, scope, depth);
        return;
      default:
        for (const part of node.args) this.visit(part, scope, depth);
    }
  }

  /** Splitting a long text gives a list of any length, which only a macro makes expensive. */
  finish(): void {
    if (!this.#usesMacros) return;
    for (const node of this.#boundlessSplits) {
      this.#report(
        'condition.limit',
        node.start,
        node.end,
        `beside ${[...macros].join(', ')} "split" needs a limit of at most ${maxConditionListItems}: split(',', ${maxConditionListItems})`,
      );
    }
  }

  #report(code: ConditionCode, start: number, end: number, message: string): void {
    this.findings.problems.push({ code, message, offset: start, length: end - start });
  }

  #visitVariable(node: ASTNode, name: string, scope: ReadonlySet<string>): void {
    if (this.#isFree(name, scope) || !this.#isVariable(node, name)) return;
    if (name === 'params') return void this.findings.reads.add('params');
    this.#report(
      'condition.variable',
      node.start,
      node.end,
      `"${name}" is no value by itself; name one of its fields: ${fieldNames(name, this.#rules.phase).join(', ')}`,
    );
  }

  /** True for a name whose fields are not known here. */
  #isFree(name: string, scope: ReadonlySet<string>): boolean {
    return scope.has(name) || typeNames.has(name) || this.#rules.names?.includes(name) === true;
  }

  /** False, and reported, for a name that is no variable of this phase. */
  #isVariable(node: ASTNode, name: string): boolean {
    if (this.#rules.names !== undefined) {
      const hint = suggestion(name, this.#rules.names);
      this.#report('condition.variable', node.start, node.end, `there is no variable "${name}"${hint}`);
      return false;
    }
    if (name === 'response' && this.#rules.phase === 'request') {
      this.#report(
        'condition.phase',
        node.start,
        node.end,
        '"response" is not known yet: this condition is decided before a backend is called; it can read request, caller and params',
      );
      return false;
    }
    if (variables.some((variable) => variable === name)) return true;
    const known = this.#rules.phase === 'request' ? variables.filter((variable) => variable !== 'response') : variables;
    this.#report(
      'condition.variable',
      node.start,
      node.end,
      `there is no variable "${name}"${suggestion(name, known)}`,
    );
    return false;
  }

  #visitField(node: ASTNode, receiver: ASTNode, key: string, scope: ReadonlySet<string>, depth: number): void {
    if (receiver.op !== 'id' || this.#isFree(receiver.args, scope)) return this.visit(receiver, scope, depth);
    if (this.#isVariable(receiver, receiver.args))
      this.#readField(receiver.args, key, Math.max(receiver.end, node.end - key.length), node.end);
  }

  #visitIndex(node: ASTNode, receiver: ASTNode, index: ASTNode, scope: ReadonlySet<string>, depth: number): void {
    this.visit(index, scope, depth);
    if (receiver.op !== 'id' || this.#isFree(receiver.args, scope)) return this.visit(receiver, scope, depth);
    const name = receiver.args;
    if (!this.#isVariable(receiver, name)) return;
    if (index.op === 'value' && typeof index.args === 'string')
      return this.#readField(name, index.args, index.start, index.end);
    if (name === 'params') return void this.findings.reads.add('params');
    this.#report(
      'condition.variable',
      index.start,
      index.end,
      `name the field of "${name}" itself, as in ${name}.${fieldNames(name, this.#rules.phase)[0] ?? 'model'}`,
    );
  }

  #readField(name: string, key: string, start: number, end: number): void {
    if (name === 'response' && key === 'finishReason' && this.#rules.phase !== 'end') {
      this.#report(
        'condition.phase',
        start,
        end,
        '"response.finishReason" is not known yet: this condition is decided once, before the first content; it can read request, caller, params and response.model; a step with "phase": "end" may read it',
      );
      return;
    }
    const known = name === 'params' ? this.#rules.params : fieldNames(name, this.#rules.phase);
    if (known !== undefined && !known.includes(key)) {
      const whose =
        name === 'params' ? `this pipeline declares no parameter "${key}"` : `"${name}" has no field "${key}"`;
      this.#report('condition.variable', start, end, `${whose}${suggestion(key, known)}`);
      return;
    }
    this.findings.reads.add(name === 'params' ? 'params' : `${name}.${key}`);
  }

  #visitCall(node: ASTNode, name: string, args: readonly ASTNode[], scope: ReadonlySet<string>, depth: number): void {
    if (!functions.has(name)) {
      const hint = methods.has(name) ? `; write it behind the value: value.${name}(...)` : suggestion(name, functions);
      this.#report('condition.function', node.start, node.start + name.length, `there is no function "${name}"${hint}`);
    }
    for (const argument of args) this.visit(argument, scope, depth);
  }

  #visitMethod(
    node: ASTNode,
    name: string,
    receiver: ASTNode,
    args: readonly ASTNode[],
    scope: ReadonlySet<string>,
    depth: number,
  ): void {
    const start = Math.max(receiver.end, node.input.indexOf(name, receiver.end));
    if (!(receiver.op === 'id' && receiver.args === 'optional' && (name === 'none' || name === 'of')))
      this.visit(receiver, scope, depth);
    if (name === 'matches')
      this.#report(
        'condition.function',
        start,
        start + name.length,
        `"matches" can take forever on some texts; use ".re('...')", which is linear`,
      );
    else if (!methods.has(name))
      this.#report(
        'condition.function',
        start,
        start + name.length,
        `there is no method "${name}"${suggestion(name, methods)}`,
      );
    if (name === 're') return this.#visitPattern(node, args);
    if (macros.has(name) && args.length > 1) return this.#visitMacro(node, start, args, scope, depth);
    if (name === 'split' && !isBoundedSplit(args)) this.#boundlessSplits.push(node);
    for (const argument of args) this.visit(argument, scope, depth);
  }

  #visitMacro(node: ASTNode, start: number, args: readonly ASTNode[], scope: ReadonlySet<string>, depth: number): void {
    this.#usesMacros = true;
    if (depth === MAX_MACRO_DEPTH)
      this.#report(
        'condition.limit',
        start,
        node.end,
        `${[...macros].join(', ')} can hold each other only once; this is one more`,
      );
    const [variable, ...bodies] = args;
    if (variable?.op !== 'id') return;
    const inner = new Set([...scope, variable.args]);
    for (const body of bodies) this.visit(body, inner, depth + 1);
  }

  #visitPattern(node: ASTNode, args: readonly ASTNode[]): void {
    const [argument] = args;
    if (argument?.op !== 'value' || typeof argument.args !== 'string' || args.length !== 1) {
      this.#report(
        'condition.pattern',
        argument?.start ?? node.start,
        argument?.end ?? node.end,
        `".re" takes one pattern, written out: .re('^gpt-')`,
      );
      return;
    }
    try {
      const pattern = RE2JS.compile(argument.args);
      if (pattern.programSize() > MAX_PATTERN_INSTRUCTIONS)
        throw new RangeError('the pattern is too large; lower its repeat counts');
      this.findings.patterns.set(argument.args, pattern);
    } catch (error) {
      const { message } = Object(error) as { message?: string };
      this.#report(
        'condition.pattern',
        argument.start,
        argument.end,
        `the pattern is not valid: ${message ?? 'unknown reason'}`,
      );
    }
  }
}

function isBoundedSplit(args: readonly ASTNode[]): boolean {
  const limit = args[1];
  return (
    limit?.op === 'value' &&
    typeof limit.args === 'bigint' &&
    limit.args >= 1n &&
    limit.args <= BigInt(maxConditionListItems)
  );
}

function fieldNames(variable: string, phase: ConditionPhase): readonly string[] {
  if (variable !== 'request' && variable !== 'caller' && variable !== 'response') return [];
  return Object.keys(recordVariables[variable]).filter((field) => field !== 'finishReason' || phase === 'end');
}

function suggestion(name: string, candidates: Iterable<string>): string {
  const all = [...candidates];
  const nearest = nearestName(name, all);
  if (nearest !== undefined) return `; did you mean "${nearest}"?`;
  return all.length === 0 ? '' : `; known: ${all.join(', ')}`;
}
