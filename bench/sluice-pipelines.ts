import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dialects, type Dialect } from './dialects.ts';
import { wordsInText } from './mock-answers.ts';
import { chainSteps, type ChainName } from './modifier-chains.ts';
import { chainedKey, staticKey } from './token-definitions.ts';
import { wordList } from './word-lists.ts';

/** What stands in a pipeline beside its backend. */
export type Steps = 'none' | 'never-match' | 'some-match' | ChainName;

const processorLists = {
  'request-100': 100,
  'request-500': 500,
  'request-1000': 1_000,
  'request-2000': 2_000,
  'request-10000': 10_000,
};
const modifierLists = { 'answer-100': 100, 'answer-1000': 1_000, 'answer-10000': 10_000 };
const matchingList = 'answer-match';

const processor = (words: string): object => ({ name: words, type: 'sensitive-words', config: { words } });
const modifier = (words: string): object => ({ name: words, type: 'mask-words', config: { words } });

function stepsOf(steps: Steps): object {
  if (steps === 'none') return {};
  if (steps === 'chain' || steps === 'chain-email') return { modifiers: chainSteps(steps) };
  const names = Object.keys(modifierLists);
  const modifiers = steps === 'never-match' ? names : [...names.slice(1), matchingList];
  return { processors: Object.keys(processorLists).map(processor), modifiers: modifiers.map(modifier) };
}

/** The pipelines that stand for all features take their key from a chain of a cache and a fixed key, the others have it fixed. */
const hasAllFeatures = (steps: Steps): boolean => steps === 'never-match' || steps === 'some-match';

/** What the pipelines of a system have in common. */
export interface PipelineOptions {
  readonly mockPort: number;
  /** What the mock speaks to them. */
  readonly provider: Dialect;
  readonly steps: Steps;
}

function pipeline(name: string, { mockPort, provider, steps }: PipelineOptions): object {
  return {
    apiVersion: 'sluice/v1',
    name,
    description: `The mock's answer "${name}", for the bench`,
    ...stepsOf(steps),
    backends: {
      mock: {
        type: dialects[provider].backend,
        config: { baseUrl: `http://127.0.0.1:${mockPort}/${name}/v1`, model: 'mock' },
        network: 'private',
        token: hasAllFeatures(steps) ? chainedKey : staticKey,
      },
    },
    limits: { concurrentStreams: 10_000 },
  };
}

async function writeWordLists(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  let seed = 1;
  for (const [name, count] of Object.entries({ ...processorLists, ...modifierLists })) {
    await writeFile(join(folder, `${name}.json`), JSON.stringify(wordList(count, seed++)));
  }
  await writeFile(join(folder, `${matchingList}.json`), JSON.stringify([...wordList(96, seed), ...wordsInText]));
}

/** Writes one pipeline per answer of the mock, and the word lists that they name. */
export async function writePipelines(
  folder: string,
  modes: readonly string[],
  options: PipelineOptions,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (options.steps !== 'none') await writeWordLists(join(folder, 'resources', 'word-list'));
  for (const mode of modes) {
    await writeFile(join(folder, `${mode}.json`), `${JSON.stringify(pipeline(mode, options), null, 2)}\n`);
  }
}
