/**
 * Compiles expressions that a component takes from its config. The language is that of the conditions of a pipeline, CEL
 * with the same limits; the names are those that the component offers.
 */
export interface Expressions {
  /**
   * Compiles a text that reads the variables in `names`, each of which may hold any JSON value. Throws a TypeError that
   * names the first problem and its place; the definition is then refused.
   */
  compile(text: string, names: readonly string[]): Expression;
}

/**
 * A compiled expression. Synchronous, never throws, changes nothing. What it gives is a boolean, a string, a `bigint` for
 * whole numbers, a number, null, a list or a map; `undefined` where the evaluation failed: a key that is not there, types that
 * don't go together, too much work. A guard takes that as the worse of its outcomes.
 */
export type Expression = (values: Readonly<Record<string, unknown>>) => unknown;
