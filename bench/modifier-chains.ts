import { wordList } from './word-lists.ts';

/** A step of a definition: what HTTP and the bench inside of a process both build. */
export interface StepDefinition {
  readonly name: string;
  readonly type: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** The word list of the chains, as a resource and as its words. */
export const chainList = 'answer-10000';
export const chainListWords = 10_000;
/** Of the list that `writeWordLists` writes under the same name. */
export const chainListSeed = 8;

/** Behind the text of every answer that passed a chain. */
export const notice = '\n\nAnswers may be wrong.';

/** With the patterns of `chain` no ordinary word begins one; an e-mail address may begin with any. */
export const chainNames = ['chain', 'chain-email'] as const;
export type ChainName = (typeof chainNames)[number];

const patternsOf: Readonly<Record<ChainName, readonly string[]>> = {
  chain: ['credit-card', 'ip'],
  'chain-email': ['credit-card', 'email'],
};

const steps = (name: ChainName, words: string | readonly string[]): StepDefinition[] => [
  { name: 'words', type: 'mask-words', config: { words } },
  { name: 'patterns', type: 'mask-patterns', config: { patterns: patternsOf[name] } },
  { name: 'notice', type: 'insert', config: { text: notice } },
];

/** A mask of 10,000 words, one of two patterns, and a notice at the end; the words are a resource. */
export function chainSteps(name: ChainName): StepDefinition[] {
  return steps(name, chainList);
}

/** The same with the words in place. */
export function chainStepsInPlace(name: ChainName): StepDefinition[] {
  return steps(name, wordList(chainListWords, chainListSeed));
}
