import { afterEach, describe, expect, it } from '@jest/globals';
import { closeStages, openStage, type Stage } from '../faults/stage.ts';
import { forms, seenBy, type Form } from '../faults/seen.ts';
import { chunkFrame } from '../support/openai-chunks.ts';
import { doneFrame, sseFrame } from '../support/openai-stream.ts';
import { answering, streaming, type ScenarioLike } from '../support/scenario.ts';
import {
  eventModifier,
  holdingModifier,
  passingModifier,
  readGuard,
  registryWith,
  textModifier,
  waitingModifier,
} from './review-components.ts';

afterEach(closeStages);

type Json = Readonly<Record<string, unknown>>;

/** What no client may read where a guard is in the pipeline. */
const leak = 'the secret plan';

/** One place in an answer of the provider where words can stand that no step reads. */
interface Way {
  readonly delta?: Json;
  readonly choice?: Json;
  readonly chunk?: Json;
  /** Frames in place of one chunk; not for a document. */
  readonly frames?: readonly string[];
}

const citation = {
  type: 'url_citation',
  url_citation: { title: leak, url: 'https://example.invalid', start_index: 0, end_index: 1 },
};
/** Who knows the tokens of a model can read this as well. */
const tokenId = 4_032_177;
const token = { token: ' secret', logprob: -0.1, bytes: [115], top_logprobs: [] };
const ways: Readonly<Record<string, Way>> = {
  'thoughts beside the text': { delta: { content: '', thoughts: leak } },
  'thoughts alone': { delta: { thoughts: leak } },
  'thoughts in a list': { delta: { thoughts: [{ text: leak }] } },
  'a field of the choice': { choice: { thoughts: leak } },
  'a field of the chunk': { chunk: { thoughts: leak } },
  'log probabilities': { delta: { content: 'a' }, choice: { logprobs: { content: [token], refusal: null } } },
  'log probabilities without a text': { choice: { logprobs: { content: [token] } } },
  'log probabilities by token': {
    delta: { content: 'a' },
    choice: { logprobs: { top_logprobs: [{ ' secret': -0.1 }] } },
  },
  'the tokens by number': { delta: { content: 'a' }, choice: { token_ids: [tokenId, 1] } },
  'an annotation': { delta: { content: '', annotations: [citation] } },
  'a transcript': { delta: { audio: { id: 'audio_1', transcript: leak } } },
  'a transcript behind the sound': {
    delta: { audio: { id: 'audio_1', data: 'AAAA', transcript: leak, expires_at: 1 } },
  },
  'an image with words': {
    delta: { images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' }, alt: leak }] },
  },
  'the usage': {
    chunk: { usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, note: leak, details: { first: leak } } },
  },
  'a verdict': {
    delta: { content: '' },
    choice: { content_filter_results: { protected_material_code: { detected: true, citation: { license: leak } } } },
  },
  'verdicts on the prompt': {
    chunk: {
      prompt_filter_results: [{ prompt_index: 0, content_filter_results: { custom: { filtered: false, id: leak } } }],
    },
  },
  'a filler': { delta: { content: 'a' }, chunk: { obfuscation: leak } },
  'a long filler': { delta: { content: 'a' }, chunk: { obfuscation: `secret${'x'.repeat(300)}` } },
  'two spellings of the reasoning': {
    delta: {
      reasoning: 'well',
      reasoning_content: 'well',
      reasoning_details: [{ type: 'reasoning.text', text: 'well', note: leak }],
    },
  },
  'an unknown frame': { frames: [sseFrame({ note: leak })] },
  'an unknown event': { frames: [sseFrame({ note: leak }, 'note')] },
  'a comment, an id and a retry': { frames: [`: ${leak}\nid: ${leak}\nretry: 5\n\n`] },
};

const leaked = new RegExp(`secret|${tokenId}`, 'i');

/** The answer "hello", with the words in that place. */
function framesOf({ delta = {}, choice = {}, chunk = {}, frames }: Way): readonly string[] {
  const text = (content: string): string => chunkFrame({ delta: { content } });
  return [
    chunkFrame({ delta: { role: 'assistant', content: '' } }),
    ...['he', 'l', 'l'].map(text),
    ...(frames ?? [chunkFrame({ delta, choice, fields: chunk })]),
    text('o'),
    chunkFrame({ delta: {}, choice: { finish_reason: 'stop' } }),
    doneFrame,
  ];
}

function documentOf({ delta = {}, choice = {}, chunk = {} }: Way): Json {
  const content = `hell${typeof delta['content'] === 'string' ? delta['content'] : ''}o`;
  const message = { role: 'assistant', refusal: null, ...delta, content };
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    ...chunk,
    choices: [{ index: 0, finish_reason: 'stop', ...choice, message }],
  };
}

/** The way and the form in which the provider answers are in the question. */
function answerTo(bodyText: string): ScenarioLike {
  const [, name = '', form] = /<(.+) as a (stream|document)>/.exec(bodyText) ?? [];
  const way = ways[name];
  if (way === undefined) throw new Error(`There is no way "${name}".`);
  return form === 'stream' ? streaming(framesOf(way)) : answering(200, documentOf(way));
}

function ask(stage: Stage, form: Form, way: string, upstream: string): ReturnType<Stage['ask']> {
  const content = `<${way} as a ${upstream}>`;
  const usage = form === 'openai stream' ? { stream_options: { include_usage: true } } : {};
  return stage.ask(form, {
    body: { stream: form.endsWith('stream'), messages: [{ role: 'user', content }], ...usage },
  });
}

const mask = { name: 'mask', type: 'mask-words', config: { words: ['secret'] } };
const step = (type: string, onError = 'fail'): object => ({ type, config: {}, onError });
const guarded: Readonly<Record<string, readonly object[]>> = {
  'a mask': [mask],
  'a mask behind a step that waits': [step('waits'), mask],
  'a mask before a step that waits': [mask, step('waits')],
  'a mask behind a step that may be left out': [step('waits', 'skip'), step('passes', 'skip'), mask],
  'a mask behind a step that holds': [step('holds'), mask],
  'a mask before a step that holds': [mask, step('holds')],
  'a mask between steps that wait and hold': [step('holds'), step('waits'), mask, step('waits'), step('holds')],
  'a reader that guards': [step('read-guard')],
  'a reader that guards, behind a step that holds': [step('holds'), step('read-guard'), step('waits')],
};

async function openGuarded(modifiers: readonly object[]): Promise<Stage> {
  const registry = await registryWith(readGuard, waitingModifier, holdingModifier, passingModifier);
  return openStage({ registry, upstream: ({ bodyText }) => answerTo(bodyText), definition: { modifiers } });
}

describe('words that no step reads', () => {
  for (const [chain, modifiers] of Object.entries(guarded)) {
    it.each(forms)(
      `never leave past ${chain}: %s`,
      async (form) => {
        const stage = await openGuarded(modifiers);
        for (const [way, { frames }] of Object.entries(ways)) {
          for (const upstream of frames === undefined ? ['stream', 'document'] : ['stream']) {
            const client = await ask(stage, form, way, upstream);
            const { end, text } = await seenBy(client, form);
            const leaks = leaked.test(client.received.toString('utf8'));
            expect({ way, upstream, end, leaks, text }).toEqual({
              way,
              upstream,
              end: 'ok',
              leaks: false,
              text: expect.stringMatching(/^(well)?hell(a|well)?o$/),
            });
            client.destroy();
          }
        }
      },
      20_000,
    );
  }

  it('leave where there is no guard, so that nothing above is proved by a way that leads nowhere', async () => {
    const stage = await openGuarded([]);
    const led: string[] = [];
    for (const way of Object.keys(ways)) {
      const client = await ask(stage, 'openai stream', way, 'stream');
      await seenBy(client, 'openai stream');
      if (leaked.test(client.received.toString('utf8'))) led.push(way);
      client.destroy();
    }
    expect(Object.keys(ways).filter((way) => !led.includes(way))).toEqual([
      'log probabilities without a text',
      'a comment, an id and a retry',
    ]);
  });
});

describe('a guard that fails', () => {
  const failing = textModifier(
    'failing-guard',
    () => {
      throw new Error(`it read ${leak}`);
    },
    true,
  );
  const fronts: Readonly<Record<string, readonly object[]>> = {
    'no step': [],
    'a step that passes': [step('passes', 'skip')],
    'a step that waits': [step('waits', 'skip')],
    'a step that holds': [step('holds', 'skip')],
    'a step that fails itself': [step('breaks', 'skip')],
    'a step that rejects itself': [step('rejects', 'skip')],
  };
  const broken = [
    eventModifier('breaks', () => ({
      modify: (event, emit) => {
        emit(event);
        if (event.type === 'text.delta') throw new Error('broken');
      },
    })),
    eventModifier('rejects', () => ({
      modify: async (event, emit) => {
        emit(event);
        if (event.type === 'text.delta') throw new Error('broken');
      },
    })),
  ];

  for (const [front, steps] of Object.entries(fronts)) {
    it.each(forms)(
      `behind ${front} ends the answer with its failure, and with nothing of the text: %s`,
      async (form) => {
        const registry = await registryWith(failing, passingModifier, waitingModifier, holdingModifier, ...broken);
        for (const upstream of ['stream', 'document']) {
          const stage = await openStage({
            registry,
            upstream: ({ bodyText }) => answerTo(bodyText),
            definition: { modifiers: [...steps, { ...step('failing-guard'), name: 'the-guard' }] },
          });
          const client = await ask(stage, form, 'thoughts alone', upstream);
          expect(await seenBy(client, form)).toMatchObject({ code: 'MODIFIER_FAILED', end: 'error', text: '' });
          expect(client.received.toString('utf8')).not.toMatch(/\[DONE\]|secret|hell/);
          expect(stage.ended().map(({ fields }) => [fields['outcome'], fields['code'], fields['modifier']])).toEqual([
            ['error', 'MODIFIER_FAILED', 'the-guard'],
          ]);
          await closeStages();
        }
      },
    );
  }
});
