import { errorMessage } from './error-message.ts';
import type { Profile } from './settings.ts';
import type { WordMaskFigure } from './word-mask.ts';

type Language = WordMaskFigure['language'];

interface WordMaskModule {
  measureWordMask(language: Language, words: number): WordMaskFigure;
}

const lists: Readonly<Record<Profile['name'], readonly (readonly [Language, number])[]>> = {
  short: [['english', 100_000]],
  full: [
    ['english', 1_000],
    ['english', 10_000],
    ['english', 100_000],
    ['chinese', 10_000],
  ],
};

function isWordMaskModule(module: object): module is WordMaskModule {
  return 'measureWordMask' in module && typeof module.measureWordMask === 'function';
}

/** Runs bench/word-mask.ts in this process; a string says why it can't. It reads the sources, not `dist/`. */
export async function wordMaskSpeed(profile: Profile['name']): Promise<readonly WordMaskFigure[] | string> {
  try {
    const module = (await import(new URL('./word-mask.ts', import.meta.url).href)) as object;
    if (!isWordMaskModule(module)) return 'bench/word-mask.ts has no measureWordMask';
    return lists[profile].map(([language, words]) => module.measureWordMask(language, words));
  } catch (error) {
    return errorMessage(error);
  }
}
