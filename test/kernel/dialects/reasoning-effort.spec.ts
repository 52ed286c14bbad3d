import { describe, expect, it } from '@jest/globals';
import { reasoningBudget, reasoningEffort } from '../../../src/kernel/dialects/reasoning-effort.ts';

const words = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'];

describe('how much is to be thought', () => {
  it.each([
    [{}, undefined, undefined],
    [{ reasoningEffort: 'high' }, 'high', 24_576],
    [{ reasoningEffort: 'own-word' }, 'own-word', undefined],
    [{ reasoningBudget: 0 }, 'none', 0],
    [{ reasoningBudget: 1 }, 'minimal', 1],
    [{ reasoningBudget: 1_023 }, 'minimal', 1_023],
    [{ reasoningBudget: 2_048 }, 'low', 2_048],
    [{ reasoningBudget: 8_191 }, 'low', 8_191],
    [{ reasoningBudget: 1_000_000 }, 'xhigh', 1_000_000],
    [{ reasoningEffort: 'low', reasoningBudget: 9_000 }, 'low', 9_000],
  ])('%j is the word %s and %s tokens', (settings, word, tokens) => {
    expect(reasoningEffort(settings)).toBe(word);
    expect(reasoningBudget(settings)).toBe(tokens);
  });

  it.each(words)('%s is the same word again after a way through tokens', (word) => {
    const tokens = reasoningBudget({ reasoningEffort: word });
    expect(tokens).toBeDefined();
    expect(reasoningEffort(tokens === undefined ? {} : { reasoningBudget: tokens })).toBe(word);
  });
});
