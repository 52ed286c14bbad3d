import type { Expression, Expressions } from '../expression.ts';
import { editJson, readPointer, type JsonEdit } from '../json/json-edit.ts';
import { compileJsonSchema, isValidJson } from '../json/json-prefix-schema.ts';
import { countStringTokens, maxJsonDepth, measureJson } from '../json/json-text.ts';
import { isObject } from '../json/json-value.ts';
import { compileNameGlobs } from './name-globs.ts';
import type { Run } from '../run.ts';

export interface ToolRule {
  /** All tools when absent. */
  readonly tools?: readonly string[];
  /** An expression over `tool`, `arguments`, `caller` and `params`. */
  readonly when?: string;
  /** JSON Schema of the arguments, as they are behind this rule. */
  readonly schema?: unknown;
  readonly set?: Readonly<Record<string, unknown>>;
  readonly remove?: readonly string[];
  readonly rename?: string;
  readonly action: 'allow' | 'deny' | 'rewrite';
  readonly message?: string;
}

export interface ToolRulesOptions {
  readonly allow?: readonly string[];
  readonly deny: readonly string[];
  readonly rules: readonly ToolRule[];
  readonly default?: 'allow' | 'deny';
  /** What is done with arguments that are no JSON object, or not what the schema of a rule asks for. */
  readonly onInvalid: 'deny' | 'stop' | 'pass';
}

/** What becomes of a call. `tool` and `json` are there where they change; `message` is that of the rule. */
export type ToolVerdict =
  | { readonly outcome: 'allow'; readonly tool?: string; readonly json?: string }
  | { readonly outcome: 'deny' | 'stop'; readonly message?: string };

/** A call whose arguments are whole. */
export interface WholeCall {
  readonly tool: string;
  readonly json: string;
  /** The arguments are a text of no form, as those of a custom tool are. */
  readonly isText: boolean;
}

/** Decides about tool calls, in this order: the tools that are denied, the rules, the tools that are allowed, the default. */
export interface ToolRules {
  /** Some calls can't be decided without their arguments. */
  readonly readsArguments: boolean;
  /** Undefined where the arguments are needed. */
  judgeName(tool: string): ToolVerdict | undefined;
  judge(call: WholeCall, run: Pick<Run, 'caller' | 'params'>): ToolVerdict;
}

interface CompiledRule {
  readonly source: ToolRule;
  readonly applies: (tool: string) => boolean;
  readonly when: Expression | undefined;
  readonly isValid: ((json: string) => boolean) | undefined;
  readonly edits: readonly JsonEdit[];
  readonly readsArguments: boolean;
}

interface Judged {
  readonly call: WholeCall;
  readonly run: Pick<Run, 'caller' | 'params'>;
  json: string;
  tool: string | undefined;
  /** The arguments as a value; undefined for none that can be judged. */
  value: unknown;
}

/** Names that a condition can read. */
const toolNames = ['tool', 'arguments', 'caller', 'params'] as const;

const allowed: ToolVerdict = { outcome: 'allow' };
const denied: ToolVerdict = { outcome: 'deny' };

/** Throws a TypeError, with the place in the options, for a rule that can't be used. */
export function compileToolRules(options: ToolRulesOptions, expressions: Expressions): ToolRules {
  const isDenied = compileNameGlobs(options.deny);
  const isAllowed = compileNameGlobs(options.allow ?? []);
  const otherwise = (options.default ?? (options.allow === undefined ? 'allow' : 'deny')) === 'allow';
  const rules = options.rules.map((rule, index) => compileRule(rule, `rules[${index}]`, expressions));
  const byLists = (tool: string): ToolVerdict => (isAllowed(tool) || otherwise ? allowed : denied);
  return {
    readsArguments: rules.some(({ readsArguments }) => readsArguments),
    judgeName(tool) {
      if (isDenied(tool)) return denied;
      let name: string | undefined;
      for (const rule of rules) {
        if (!rule.applies(tool)) continue;
        if (rule.readsArguments) return undefined;
        name = rule.source.rename ?? name;
        if (rule.source.action !== 'rewrite') return verdictOf(rule.source, name);
      }
      return withChanges(byLists(tool), name);
    },
    judge(call, run) {
      if (isDenied(call.tool)) return denied;
      const judged: Judged = { call, run, json: call.json, tool: undefined, value: valueOf(call) };
      for (const rule of rules) {
        const verdict = rule.applies(call.tool) ? judgeByRule(rule, judged, options.onInvalid) : undefined;
        if (verdict !== undefined) return verdict;
      }
      return withChanges(byLists(call.tool), judged.tool, judged.json === call.json ? undefined : judged.json);
    },
  };
}

/** Undefined where the rule does not decide. */
function judgeByRule(
  rule: CompiledRule,
  judged: Judged,
  onInvalid: ToolRulesOptions['onInvalid'],
): ToolVerdict | undefined {
  const { source, when, edits, isValid } = rule;
  const { message } = source;
  if (rule.readsArguments && judged.value === undefined) return invalid(onInvalid, message);
  if (when !== undefined) {
    const { caller, params } = judged.run;
    const outcome = when({ tool: judged.call.tool, arguments: judged.value, caller, params });
    if (outcome === false) return undefined;
    if (outcome !== true) return deny('deny', message);
  }
  if (edits.length > 0 && !edit(judged, edits)) return deny('deny', message);
  if (isValid?.(judged.call.isText ? JSON.stringify(judged.json) : judged.json) === false) {
    const verdict = invalid(onInvalid, message);
    if (verdict !== undefined) return verdict;
  }
  judged.tool = source.rename ?? judged.tool;
  if (source.action === 'rewrite') return undefined;
  return verdictOf(source, judged.tool, judged.json === judged.call.json ? undefined : judged.json);
}

/** False where the arguments can't be changed so. */
function edit(judged: Judged, edits: readonly JsonEdit[]): boolean {
  if (judged.call.isText) return false;
  const json = editJson(judged.json.trim() === '' ? '{}' : judged.json, edits);
  if (json === undefined) return false;
  judged.json = json;
  judged.value = JSON.parse(json) as unknown;
  return true;
}

function invalid(onInvalid: ToolRulesOptions['onInvalid'], message: string | undefined): ToolVerdict | undefined {
  return onInvalid === 'pass' ? undefined : deny(onInvalid, message);
}

function deny(outcome: 'deny' | 'stop', message: string | undefined): ToolVerdict {
  return { outcome, ...(message !== undefined && { message }) };
}

function verdictOf({ action, message }: ToolRule, tool?: string, json?: string): ToolVerdict {
  return action === 'deny' ? deny('deny', message) : withChanges(allowed, tool, json);
}

function withChanges(verdict: ToolVerdict, tool?: string, json?: string): ToolVerdict {
  if (verdict.outcome !== 'allow') return verdict;
  return { outcome: 'allow', ...(tool !== undefined && { tool }), ...(json !== undefined && { json }) };
}

/**
 * The arguments as the rules see them. Undefined for what is no JSON object, and for what clients may read otherwise: a key
 * that is there twice, or a nesting that a parser may refuse.
 */
function valueOf({ json, isText }: WholeCall): unknown {
  if (isText) return json;
  if (json.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(json);
    if (!isObject(value)) return undefined;
    const { strings, depth } = measureJson(value);
    return depth > maxJsonDepth || strings < countStringTokens(json) ? undefined : value;
  } catch {
    return undefined;
  }
}

// ---- when a pipeline is built ------------------------------------------------------------------------------------------

function compileRule(source: ToolRule, place: string, expressions: Expressions): CompiledRule {
  const { when, schema, action } = source;
  const edits = [
    ...(source.remove ?? []).map((pointer): JsonEdit => ({
      path: readAt(`${place}.remove`, () => readPointer(pointer)),
      remove: true,
    })),
    ...Object.entries(source.set ?? {}).map(([pointer, value]): JsonEdit => ({
      path: readAt(`${place}.set`, () => readPointer(pointer)),
      value,
    })),
  ];
  const rewrites = edits.length > 0 || source.rename !== undefined;
  if (action === 'rewrite' && !rewrites)
    throw new TypeError(`${place}: a rule that rewrites has "set", "remove" or "rename"`);
  if (action !== 'rewrite' && rewrites)
    throw new TypeError(`${place}: "set", "remove" and "rename" are for a rule with the action "rewrite"`);
  if (action === 'deny' && schema !== undefined)
    throw new TypeError(`${place}: a rule that denies has no "schema"; use "when"`);
  const node = schema === undefined ? undefined : readAt(`${place}.schema`, () => compileJsonSchema(schema));
  return {
    source,
    applies: compileNameGlobs(source.tools ?? ['*']),
    when: when === undefined ? undefined : readAt(`${place}.when`, () => expressions.compile(when, toolNames)),
    isValid: node === undefined ? undefined : (json) => isValidJson(node, json.trim() === '' ? '{}' : json),
    edits,
    readsArguments: when !== undefined || schema !== undefined || edits.length > 0,
  };
}

function readAt<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new TypeError(`${place}: ${(error as Error).message}`, { cause: error });
  }
}
