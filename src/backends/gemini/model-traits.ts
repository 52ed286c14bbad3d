/** What differs between the generations of models. */
export interface ModelTraits {
  /** How reasoning is asked for; `none` where the model refuses to be asked. */
  readonly thinking: 'none' | 'budget' | 'level';
  /** Bounds of a budget that is not 0. */
  readonly minBudget: number;
  readonly maxBudget: number;
  readonly canStopThinking: boolean;
  /** Levels, from the least. */
  readonly levels: readonly string[];
  /** Refuses a conversation whose function calls have no signature. */
  readonly wantsSignatures: boolean;
}

const unlimited: ModelTraits = {
  thinking: 'budget',
  minBudget: 1,
  maxBudget: Number.MAX_SAFE_INTEGER,
  canStopThinking: true,
  levels: [],
  wantsSignatures: false,
};

/** The traits of a model by its name. One that is not known is taken for one of the kind of Gemini 2.5, without bounds. */
export function traitsOf(model: string): ModelTraits {
  const name = model.slice(model.lastIndexOf('/') + 1).toLowerCase();
  const [, major = '', minor = '0'] = /^gemini-(\d+)(?:\.(\d+))?/.exec(name) ?? [];
  const isLite = name.includes('flash-lite');
  const isPro = name.includes('-pro');
  // Models that make images or speech think as they like, or not at all.
  if (/-(?:image|tts|native-audio)/.test(name))
    return { ...unlimited, thinking: 'none', wantsSignatures: Number(major) >= 3 };
  if (name.startsWith('gemma') || major === '1' || (major === '2' && Number(minor) < 5))
    return { ...unlimited, thinking: 'none' };
  if (major === '2') {
    if (isPro) return { ...unlimited, minBudget: 128, maxBudget: 32_768, canStopThinking: false };
    return { ...unlimited, minBudget: isLite ? 512 : 1, maxBudget: 24_576 };
  }
  if (major === '') return unlimited;
  return {
    ...unlimited,
    thinking: 'level',
    levels: levelsOf(isPro, major === '3' && minor === '0'),
    wantsSignatures: true,
  };
}

function levelsOf(isPro: boolean, isFirst: boolean): readonly string[] {
  if (!isPro) return ['minimal', 'low', 'medium', 'high'];
  return isFirst ? ['low', 'high'] : ['low', 'medium', 'high'];
}
