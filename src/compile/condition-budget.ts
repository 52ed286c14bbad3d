/**
 * Characters that one evaluation may look at, each counted once per step of a pattern. The language bounds the
 * number of steps by the text of the condition, but not what one step costs; a list macro over a long text or a
 * large pattern would hold up every stream of the process for seconds. At the limit an evaluation takes about 0.4 s.
 */
export const conditionBudget = 2 ** 27;

/** Evaluation is synchronous and never nested, so one number serves all conditions. */
let left = conditionBudget;

/** Called before every evaluation. */
export function refill(): void {
  left = conditionBudget;
}

/** Throws a RangeError when the evaluation has used up what it may. */
export function spend(cost: number): void {
  left -= cost;
  if (left < 0) throw new RangeError('the condition is too expensive for this request');
}
