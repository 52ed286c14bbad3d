import { describe, expect, it } from '@jest/globals';
import type { HttpCaller } from '../../src/kernel/http-caller.ts';
import type { PipelineCaller } from '../../src/kernel/pipeline-caller.ts';
import { vaultOf } from '../../src/kernel/patterns/placeholders.ts';
import { modifierStep } from '../support/modifier-step.ts';
import type { ClientName } from '../support/play-answer.ts';
import { processorStep } from '../support/run-by-hand.ts';
import { turn } from '../support/turn.ts';
import { clients, complaintsOf, differs, forms, hearForm, streamed, type Pieces } from './modifiers/plays.ts';
import type { NeutralAnswer, NeutralFinish, NeutralToolCall } from './neutral.ts';

/* What each modifier makes of an answer, as the clients of all dialects read it. */

const usage = { input: 12, output: 8 };
const say = (...text: readonly string[]): NeutralAnswer => ({ text, finish: 'stop', usage });
const note = (args: unknown, name = 'get_note', id = 'call_A1b2C3d4'): NeutralToolCall => ({
  id,
  name,
  arguments: args,
});
const calling = (...toolCalls: readonly NeutralToolCall[]): NeutralAnswer => ({
  text: ['I ca', 'll.'],
  toolCalls,
  finish: 'tool_calls',
  usage,
});

/** A service of moderation for which one word is bad. */
const judge: HttpCaller = {
  call: async ({ body = '' }) => {
    await turn();
    const flagged = body.includes('bad');
    return { status: 200, headers: {}, body: JSON.stringify({ results: [{ flagged, categories: {} }] }) };
  },
};
/** A pipeline that shouts; short sentences take longer than long ones. */
const shouter: PipelineCaller = {
  call: async (_name, { user }) => {
    await turn(Math.max(1, 30 - user.length));
    return { text: user.toUpperCase(), finish: 'stop' };
  },
};
const moderation = {
  check: { url: 'https://moderation.invalid/v1/moderations' },
  onError: 'block',
  message: ' [blocked]',
};
const hiding = {
  pipeline: {
    processors: () => [
      processorStep((request, _output, run) => {
        vaultOf(run).hide('EMAIL', 'ann@example.com');
        vaultOf(run).hide('EMAIL', 'bob@example.com');
        return request;
      }),
    ],
  },
};
const notice = (finish: string) =>
  modifierStep('insert', { text: '\n[AI]' }, { phase: 'end', endCondition: (reason) => reason === finish });

interface Case {
  readonly name: string;
  readonly answer: NeutralAnswer;
  readonly steps: readonly ReturnType<typeof modifierStep>[];
  readonly prepare?: Parameters<typeof hearForm>[5];
  readonly text: string;
  readonly reasoning?: string;
  /** Names and arguments. */
  readonly calls?: readonly (readonly [name: string, args: unknown])[];
  /** That of the answer when left out. */
  readonly finish?: NeutralFinish;
}

const cases: readonly Case[] = [
  {
    name: 'insert at the start',
    steps: [modifierStep('insert', { text: 'AI: ', at: 'start' })],
    answer: { reasoning: ['Hm.'], ...say('Hel', 'lo.') },
    reasoning: 'Hm.',
    text: 'AI: Hello.',
  },
  {
    name: 'insert at the end, before the finish',
    steps: [notice('stop')],
    answer: { reasoning: ['Hm.'], ...say('Hel', 'lo.') },
    reasoning: 'Hm.',
    text: 'Hello.\n[AI]',
  },
  {
    name: 'insert at the end, for another reason than it has',
    steps: [notice('length')],
    answer: say('Hel', 'lo.'),
    text: 'Hello.',
  },
  {
    name: 'insert at the end of an answer that reached its limit',
    steps: [notice('length')],
    answer: { ...say('Hel', 'lo'), finish: 'length' },
    text: 'Hello\n[AI]',
  },
  {
    name: 'insert at the end of an answer without a text',
    steps: [modifierStep('insert', { text: '[AI]' }, { phase: 'end' })],
    answer: { reasoning: ['Hm.'], finish: 'stop', usage },
    reasoning: 'Hm.',
    text: '[AI]',
  },
  {
    name: 'insert at the end, behind what a mask holds',
    steps: [
      modifierStep('mask-words', { words: ['secret'] }),
      modifierStep('insert', { text: ' [AI]' }, { phase: 'end' }),
    ],
    answer: say('a secr'),
    text: 'a secr [AI]',
  },
  {
    name: 'insert at the end, and a call at the end',
    steps: [modifierStep('insert', { text: ' [AI]' }, { phase: 'end' }), modifierStep('insert', { text: ' [AI]' })],
    answer: calling(note({ a: 1 })),
    text: 'I call.',
    calls: [['get_note', { a: 1 }]],
  },
  {
    name: 'insert behind sentences, and a call at the end',
    steps: [modifierStep('insert', { text: ' 🙂', at: 'sentences' })],
    answer: { ...calling(note({ a: 'One. Two.' })), text: ['One. T', 'wo.'] },
    text: 'One. 🙂 Two. 🙂',
    calls: [['get_note', { a: 'One. Two.' }]],
  },
  {
    name: 'json-guard, and a document that is valid',
    steps: [modifierStep('json-guard', { schema: { required: ['n'], properties: { n: { type: 'integer' } } } })],
    answer: say('{ "n"', ': 4', '2 }'),
    text: '{ "n": 42 }',
  },
  {
    name: 'json-guard that cuts words and a fence away',
    steps: [modifierStep('json-guard', { extract: true })],
    answer: say('Sure:\n``', '`json\n{"a"', ': "🙂"}\n`', '``\nMore?'),
    text: '{"a": "🙂"}',
  },
  {
    name: 'json-guard that repairs a tail',
    steps: [modifierStep('json-guard', { repair: 'tail' })],
    answer: { ...say('{"names": ["Ann", "Bo', 'b'), finish: 'length' },
    text: '{"names": ["Ann", "Bob"]}',
  },
  {
    name: 'format-stream to plain text',
    steps: [modifierStep('format-stream', { markdown: 'plain' })],
    answer: say('# Pl', 'an\n\n**Fir', 'st** [do', 'cs](https://example.com/d)\n'),
    text: 'Plan\n\nFirst docs (https://example.com/d)\n',
  },
  {
    name: 'format-stream to HTML',
    steps: [modifierStep('format-stream', { markdown: 'html', channels: ['text'] })],
    answer: { reasoning: ['a<b'], ...say('1 < 2 & "', "a' <b>") },
    reasoning: 'a<b',
    text: '1 &lt; 2 &amp; &quot;a&#39; &lt;b&gt;',
  },
  {
    name: 'format-stream that closes a fence and trims',
    steps: [modifierStep('format-stream', { closeFences: true, whitespace: 'trim', pace: 'word' })],
    answer: { ...say('\n\nTry:\n``', '`js\nlet a', ' = 1;\n'), finish: 'length' },
    text: 'Try:\n```js\nlet a = 1;\n```',
  },
  {
    name: 'format-stream with a delay',
    steps: [modifierStep('format-stream', { whitespace: 'trim', pace: 'line', delay: '0ms' })],
    answer: say('  One li', 'ne.\nTw', 'o. '),
    text: 'One line.\nTwo.',
  },
  {
    name: 'replace with groups, in all channels',
    steps: [modifierStep('replace', { rules: [{ pattern: '(\\d{1,2})/(\\d{1,2})/(\\d{4})', with: '$3-$1-$2' }] })],
    answer: { ...calling(note({ due: '12/24/2026', more: ['on 1/2/2026!'] })), reasoning: ['By 3/', '4/2026?'] },
    reasoning: 'By 2026-3-4?',
    text: 'I call.',
    calls: [['get_note', { due: '2026-12-24', more: ['on 2026-1-2!'] }]],
  },
  {
    name: 'restore-placeholders',
    steps: [modifierStep('restore-placeholders')],
    prepare: hiding,
    answer: {
      ...calling(note({ to: '<EMAIL_2>', cc: ['<EMAIL_1>', '<EMAIL_3>'] })),
      reasoning: ['It is <EM', 'AIL_1>.'],
      text: ['To <EMA', 'IL_1', '> and <', 'EMAIL_2>, <EMAIL_'],
    },
    reasoning: 'It is ann@example.com.',
    text: 'To ann@example.com and bob@example.com, <EMAIL_',
    calls: [['get_note', { to: 'bob@example.com', cc: ['ann@example.com', '<EMAIL_3>'] }]],
  },
  {
    name: 'mask-patterns in all channels',
    steps: [modifierStep('mask-patterns', { patterns: ['email', 'credit-card'] })],
    answer: {
      ...calling(note({ to: 'ann@example.com', card: '4111 1111 1111 1111', other: '4111 1111 1111 1112' })),
      reasoning: ['ann', '@example', '.com?'],
      text: ['Card 4111 1111 11', '11 1111, m', 'ail to ann.lee@exam', 'ple.com'],
    },
    reasoning: '[EMAIL]?',
    text: 'Card [CREDIT_CARD], mail to [EMAIL]',
    calls: [['get_note', { to: '[EMAIL]', card: '[CREDIT_CARD]', other: '4111 1111 1111 1112' }]],
  },
  {
    name: 'tool-guard that denies the only call',
    steps: [modifierStep('tool-guard', { deny: ['get_*'] })],
    answer: calling(note({ a: 1 })),
    text: 'I call.',
    calls: [],
    finish: 'stop',
  },
  {
    name: 'tool-guard that denies one of two calls',
    steps: [modifierStep('tool-guard', { allow: ['ping'] })],
    answer: calling(note({ a: 1 }), note({ b: 2 }, 'ping', 'call_E5f6G7h8')),
    text: 'I call.',
    calls: [['ping', { b: 2 }]],
  },
  {
    name: 'tool-guard that rewrites and renames',
    steps: [
      modifierStep('tool-guard', {
        rules: [{ tools: ['get_note'], remove: ['/a'], set: { '/limit': 10 }, rename: 'read_note', action: 'rewrite' }],
      }),
    ],
    answer: calling(note({ a: 'x', keep: ['🙂', 1] })),
    text: 'I call.',
    calls: [['read_note', { keep: ['🙂', 1], limit: 10 }]],
  },
  {
    name: 'tool-guard that ends the answer',
    steps: [modifierStep('tool-guard', { deny: ['get_note'], onDeny: 'stop', message: ' [no]' })],
    answer: calling(note({ b: 2 }, 'ping', 'call_E5f6G7h8'), note({ a: 1 })),
    text: 'I call. [no]',
    calls: [['ping', { b: 2 }]],
    finish: 'content_filter',
  },
  {
    name: 'moderate, and nothing to say against it',
    steps: [modifierStep('moderate', moderation, { world: { http: judge } })],
    answer: { ...calling(note({ a: 'good' })), reasoning: ['Fine. ', 'So?'], text: ['All is', ' well. And', ' good.'] },
    reasoning: 'Fine. So?',
    text: 'All is well. And good.',
    calls: [['get_note', { a: 'good' }]],
  },
  {
    name: 'moderate that blocks',
    steps: [modifierStep('moderate', moderation, { world: { http: judge } })],
    answer: { ...calling(note({ a: 1 })), text: ['All is', ' well. And', ' this is bad', '. And more.'] },
    text: 'All is well. [blocked]',
    calls: [],
    finish: 'content_filter',
  },
  {
    name: 'translate, in order',
    steps: [modifierStep('translate', { pipeline: 'shouter', language: 'Loud' }, { world: { pipelines: shouter } })],
    answer: {
      ...calling(note({ a: 'kept' })),
      reasoning: ['Kept.'],
      text: ['A long first sen', 'tence is here. O', 'k. An', 'd on.'],
    },
    reasoning: 'Kept.',
    text: 'A LONG FIRST SENTENCE IS HERE. OK. AND ON.',
    calls: [['get_note', { a: 'kept' }]],
  },
  {
    name: 'a chain of many',
    steps: [
      modifierStep('mask-words', { words: ['secret'] }),
      modifierStep('moderate', moderation, { world: { http: judge } }),
      modifierStep('translate', { pipeline: 'shouter', language: 'Loud' }, { world: { pipelines: shouter } }),
      modifierStep('replace', { rules: [{ find: 'HELLO', with: 'Hi' }] }),
      modifierStep('tool-guard', { deny: ['ping'] }),
      modifierStep('insert', { text: ' [AI]' }, { phase: 'end' }),
    ],
    answer: { ...calling(note({ a: 1 }, 'ping')), text: ['Hel', 'lo, the sec', 'ret is', ' 42.'] },
    text: 'Hi, THE *** IS 42. [AI]',
    calls: [],
    finish: 'stop',
  },
];

const finishOf = (client: ClientName, { answer, finish = answer.finish }: Case): NeutralFinish =>
  client === 'anthropic-messages' && finish === 'content_filter' ? 'refusal' : finish;

describe.each(clients)('for a client of $dialect', (client) => {
  describe.each(cases)('$name', (one) => {
    const { answer, steps, text, reasoning = '', calls = [], prepare } = one;
    const wanted = { end: 'ok', reasoning, text, calls, finish: finishOf(client.dialect, one) };

    it.each(forms)('$name', async (form) => {
      const ways: readonly Pieces[] = form === streamed ? ['whole', 'at once', 23] : ['whole'];
      const complaints = await complaintsOf(client, async (pair) => {
        const found: string[] = [];
        for (const way of ways) {
          const { reading } = await hearForm(pair, form, answer, steps, way, prepare);
          const { toolCalls, ...read } = reading.answer;
          const shown = {
            end: reading.end,
            reasoning: read.reasoning,
            text: read.text,
            calls: toolCalls.map(({ name, arguments: args }) => [name, args]),
            finish: read.finish,
          };
          found.push(...differs(`${way}: what is read`, { ...shown, error: reading.error?.message }, wanted));
        }
        return found;
      });
      expect(complaints).toEqual([]);
    });
  });
});
