/** One line of the table: what was measured against what was promised. */
export interface BudgetLine {
  readonly figure: string;
  readonly against: string;
  readonly budget: string;
  readonly stretch: string;
  readonly measured: string;
  readonly verdict: 'met' | 'stretch met' | 'not met' | 'not measured';
}

export function verdict(
  value: number | undefined,
  within: (limit: number) => boolean,
  budget: number,
  stretch: number | undefined,
): BudgetLine['verdict'] {
  if (value === undefined) return 'not measured';
  if (stretch !== undefined && within(stretch)) return 'stretch met';
  return within(budget) ? 'met' : 'not met';
}

/** What is promised; a `stretch` is hoped for. */
interface Promised {
  readonly figure: string;
  readonly against: string;
  readonly value: number | undefined;
  readonly budget: number;
  readonly stretch?: number | undefined;
}

/** At most so many times the figure that it is compared with. */
export function timesLine({ figure, against, value, budget, stretch }: Promised): BudgetLine {
  return {
    figure,
    against,
    budget: `<= ${budget}x`,
    stretch: stretch === undefined ? '' : `${stretch}x`,
    measured: value === undefined ? '' : `${value.toFixed(2)}x`,
    verdict: verdict(value, (limit) => value !== undefined && value <= limit, budget, stretch),
  };
}

/** At most so many microseconds more. */
export function addedLine({ figure, against, value, budget, stretch }: Promised): BudgetLine {
  // Steps can't cost less than nothing: then the rounds were too noisy to tell.
  const credible = value !== undefined && value >= 0 ? value : undefined;
  return {
    figure,
    against,
    budget: `<= +${budget} us`,
    stretch: stretch === undefined ? '' : `+${stretch} us`,
    measured: value === undefined ? '' : `${value >= 0 ? '+' : ''}${value.toFixed(2)} us`,
    verdict: verdict(credible, (limit) => credible !== undefined && credible <= limit, budget, stretch),
  };
}

/** At most so many KB. */
export function memoryLine({ figure, against, value, budget, stretch }: Promised): BudgetLine {
  return {
    figure,
    against,
    budget: `<= ${budget} KB`,
    stretch: stretch === undefined ? '' : `${stretch} KB`,
    measured: value === undefined ? '' : `${value.toFixed(1)} KB`,
    verdict: verdict(value, (limit) => value !== undefined && value <= limit, budget, stretch),
  };
}

/** At least so many MB/s. */
export function speedLine({ figure, against, value, budget, stretch }: Promised): BudgetLine {
  return {
    figure,
    against,
    budget: `>= ${budget} MB/s`,
    stretch: stretch === undefined ? '' : `${stretch} MB/s`,
    measured: value === undefined ? '' : `${value.toFixed(0)} MB/s`,
    verdict: verdict(value, (limit) => value !== undefined && value >= limit, budget, stretch),
  };
}
