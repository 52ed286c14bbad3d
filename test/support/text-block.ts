import type { AnswerEnding, TextBlock } from '../../src/kernel/modifier.ts';

/** A block for a rewriter that is tested by itself; `endings` has what the modifier stopped with. */
export interface HandMadeBlock extends TextBlock {
  readonly endings: readonly AnswerEnding[];
}

export function textBlock(given: Partial<Omit<TextBlock, 'stop'>> = {}): HandMadeBlock {
  const endings: AnswerEnding[] = [];
  return {
    channel: 'text',
    choice: 0,
    first: true,
    ...given,
    endings,
    stop: (ending) => void endings.push(ending),
  };
}
