/*
 * Pipelines that change the answers of a provider, one for each thing that modifier-suite.mjs asks of every client. Each is
 * called TYPE-NAME, and has one backend for each of its models.
 */

export const withheld = ' [withheld]';
export const notice = ' (made by a machine)';
export const noTool = ' [no weather here]';

const warmCity = {
  type: 'object',
  properties: { city: { type: 'string' }, warm: { type: 'boolean' } },
  required: ['city', 'warm'],
};

/** Type of the component of somebody else: a guard that fails where a text holds its word. */
const failsAtWord = 'fails-at-word';

/**
 * By name: the steps of a definition, and the models that it answers for. `judge` is the origin of the judge.
 */
export function modifierPipelines(type, judge) {
  const modify = (models, modifierType, config) => ({ models, steps: { modifiers: [{ type: modifierType, config }] } });
  const judged = (models, path, characters) =>
    modify(models, 'moderate', {
      check: { url: `${judge}/${path}`, network: 'private', timeout: '30s' },
      window: { characters },
      onError: 'block',
      message: withheld,
    });
  return {
    hush: modify(['hushed'], 'mask-words', { words: ['secret'] }),
    'hush-phrase': modify(['cut'], 'mask-words', { words: ['there', 'there, friend'] }),
    personal: modify(['personal'], 'mask-patterns', { patterns: ['email', 'credit-card'] }),
    stops: modify(['text'], 'mask-words', { words: ['there'], action: 'stop', message: withheld.trim() }),
    'stops-call': modify(['tools'], 'mask-words', { words: ['Oslo'], action: 'stop', message: withheld.trim() }),
    notice: modify(['thought'], 'insert', { text: notice, at: 'end' }),
    'no-tools': modify(['tools'], 'tool-guard', { deny: ['weather'], message: noTool }),
    'no-oslo': modify(['tools'], 'tool-guard', { rules: [{ when: 'arguments.city == "Oslo"', action: 'deny' }] }),
    replaces: modify(['tools'], 'replace', {
      rules: [
        { find: 'look', with: 'see' },
        { pattern: '(B|O)(ern|slo)', with: '$2-$1' },
      ],
    }),
    plain: modify(['marked'], 'format-stream', { markdown: 'plain', links: 'text', pace: 'word' }),
    enough: modify(['text'], 'stop-when', {
      sequences: [', fri'],
      endings: { sequences: { reason: 'content_filter', message: withheld } },
    }),
    translated: modify(['text'], 'translate', { pipeline: `${type}-translator`, language: 'German' }),
    translator: {
      models: [],
      steps: {
        routing: undefined,
        backends: {
          script: {
            type: 'openai-chat',
            config: { baseUrl: 'https://provider.invalid/v1', model: 'mock-1' },
            upstream: { script: [{ say: 'Hallo, Freund.' }] },
          },
        },
      },
    },
    json: modify(['document'], 'json-guard', { schema: warmCity }),
    restore: {
      models: ['placeholder'],
      steps: {
        processors: [{ type: 'patterns', config: { patterns: ['email'], action: 'placeholder' } }],
        modifiers: [{ type: 'restore-placeholders' }],
      },
    },
    judged: judged(['text'], 'strict', 12),
    unjudged: judged(['text'], 'out-of-order', 12),
    'slow-judge': judged(['endless'], `slow/${type}`, 5),
    fails: modify(['text'], failsAtWord, { word: 'there' }),
  };
}

/** Files of components by somebody else, for a build. */
export const foreignComponents = {
  [`modifiers/${failsAtWord}.js`]: `
    import Type from 'typebox';
    import { strictObject } from '../kernel/schema.js';
    export const failsAtWord = {
      kind: 'modifier',
      type: '${failsAtWord}',
      summary: 'Fails at a word.',
      config: strictObject({ word: Type.String({ description: 'Where it fails.' }) }),
      needs: [],
      guard: true,
      examples: [],
      create: ({ word }) => ({
        effect: 'text',
        channels: ['text'],
        policy: { mode: 'live' },
        open: () => ({
          text(chunk) {
            if (chunk.includes(word)) throw new Error('secret-of-component: ' + chunk);
            return chunk;
          },
          flush: () => '',
        }),
      }),
    };
  `,
};
