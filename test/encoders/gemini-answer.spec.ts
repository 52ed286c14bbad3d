import { describe, expect, it } from '@jest/globals';
import { AnswerFold } from '../../src/kernel/answer.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { chatRequest, encodeContext, fakeRun } from '../support/chat-run.ts';
import {
  args,
  block,
  candidatesOf,
  end,
  finish,
  gemini,
  own,
  partsOf,
  say,
  sign,
  type Json,
} from '../support/gemini-stream.ts';

const claude: AnswerEvent = { type: 'response.meta', responseId: 'c1', model: 'm', provider: 'anthropic-messages' };

function write(events: readonly AnswerEvent[], lost: string[] = []): Json {
  const fold = new AnswerFold();
  for (const event of events) fold.push(event);
  const run = fakeRun({ lose: (what) => void lost.push(what) });
  return gemini.encodeAnswer(fold.answer, encodeContext(chatRequest({ stream: false }), run)) as Json;
}
const candidates = (events: readonly AnswerEvent[], lost: string[] = []): readonly Json[] =>
  candidatesOf(write(events, lost));
const parts = (events: readonly AnswerEvent[], lost: string[] = []): unknown => partsOf(candidates(events, lost)[0]);

describe('a document', () => {
  it('is a whole response', () => {
    const usage: AnswerEvent = { type: 'usage', input: { total: 5, cacheRead: 2 }, output: { total: 7 }, total: 12 };
    expect(write([claude, block('a'), say('a', 'Hé'), say('a', 'llo'), end('a'), finish, usage])).toEqual({
      candidates: [{ content: { parts: [{ text: 'Héllo' }], role: 'model' }, finishReason: 'STOP', index: 0 }],
      usageMetadata: {
        promptTokenCount: 5,
        candidatesTokenCount: 7,
        totalTokenCount: 12,
        cachedContentTokenCount: 2,
      },
      modelVersion: 'm',
      responseId: 'c1',
    });
  });

  it('of an answer that a step made is complete', () => {
    expect(write([block('a'), say('a', 'x'), end('a')])).toEqual({
      candidates: [{ content: { parts: [{ text: 'x' }], role: 'model' }, finishReason: 'STOP', index: 0 }],
      modelVersion: 'support',
      responseId: 'run-1',
    });
    expect(parts([])).toEqual([{ text: '' }]);
  });

  it('has the parts in order, each signature where it belongs', () => {
    const signed = [block('r', 'reasoning'), say('r', 'hm'), sign('r', 'SIG', 'anthropic-messages'), end('r')];
    const call = [block('c', 'tool_call', { name: 'f', callId: '1' }), args('c', '{"a":'), args('c', '1}'), end('c')];
    const image = [
      block('i', 'image', { mediaType: 'image/png' }),
      { type: 'media.delta', blockId: 'i', base64: 'AAEC' } as AnswerEvent,
      end('i'),
    ];
    expect(parts([claude, ...signed, block('a'), say('a', 'x'), end('a'), ...call, ...image, finish])).toEqual([
      {
        text: 'hm',
        thought: true,
        thoughtSignature: Buffer.from('sluice1.anthropic-messages.s.U0lH').toString('base64'),
      },
      { text: 'x' },
      { functionCall: { id: '1', name: 'f', args: { a: 1 } } },
      { inlineData: { mimeType: 'image/png', data: 'AAEC' } },
    ]);
    const proof = (id: string, value: string) => [block(id, 'reasoning'), sign(id, value, 'gemini'), end(id)];
    expect(
      parts([
        own,
        ...proof('p', 'S1'),
        block('a'),
        say('a', 'x'),
        end('a'),
        ...proof('q', 'S2'),
        ...proof('s', 'S3'),
        finish,
      ]),
    ).toEqual([
      { text: 'x', thoughtSignature: 'S1' },
      { text: '', thoughtSignature: 'S2' },
      { text: '', thoughtSignature: 'S3' },
    ]);
  });

  it('has the fields of Gemini where it put them', () => {
    const ext = (fields: Json): Json => ({ ext: { gemini: fields } });
    const events = [
      { ...own, ...ext({ createTime: 't' }) } as AnswerEvent,
      block('a', 'text', ext({ candidates: { content: { parts: { partMetadata: { k: 1 } } } } })),
      say('a', 'x'),
      end('a'),
      {
        type: 'safety',
        scope: 'completion',
        verdicts: [{}],
        ...ext({ candidates: { safetyRatings: [{}] } }),
      } as AnswerEvent,
      {
        type: 'finish',
        reason: { unified: 'length', raw: 'MAX_TOKENS' },
        ...ext({ candidates: { avgLogprobs: -1 } }),
      } as AnswerEvent,
    ];
    const lost: string[] = [];
    expect(write(events, lost)).toMatchObject({
      createTime: 't',
      candidates: [
        {
          content: { parts: [{ text: 'x', partMetadata: { k: 1 } }] },
          finishReason: 'MAX_TOKENS',
          avgLogprobs: -1,
          safetyRatings: [{}],
        },
      ],
    });
    expect(lost).toEqual([]);
  });

  it('has no candidates where the prompt was refused', () => {
    const feedback = { blockReason: 'SAFETY', safetyRatings: [] };
    const refused: AnswerEvent = {
      type: 'safety',
      scope: 'prompt',
      verdicts: [],
      blocked: true,
      ext: { gemini: { promptFeedback: feedback } },
    };
    const document = write([own, refused, { type: 'finish', reason: { unified: 'content_filter', raw: 'SAFETY' } }]);
    expect(document).toMatchObject({ promptFeedback: feedback });
    expect(document).not.toHaveProperty('candidates');
  });

  it('has citations and probabilities in the form of the format', () => {
    const logprobs = (token: string): Json => ({ content: [{ token, logprob: -1, top_logprobs: [] }] });
    const events = [
      claude,
      block('a'),
      { ...say('a', 'é'), logprobs: logprobs('é') } as AnswerEvent,
      { ...say('a', ' x'), logprobs: logprobs(' x') } as AnswerEvent,
      {
        type: 'annotation',
        blockId: 'a',
        annotation: {},
        url: 'https://a.example',
        start: 2,
        end: 3,
        unit: 'utf16',
      } as AnswerEvent,
      end('a'),
      finish,
    ];
    expect(candidates(events)[0]).toMatchObject({
      logprobsResult: {
        chosenCandidates: [
          { token: 'é', logProbability: -1 },
          { token: ' x', logProbability: -1 },
        ],
      },
      groundingMetadata: {
        groundingChunks: [{ web: { uri: 'https://a.example' } }],
        groundingSupports: [{ segment: { startIndex: 3, endIndex: 4, text: 'x' }, groundingChunkIndices: [0] }],
      },
    });
  });

  it('names a pause as lost', () => {
    const lost: string[] = [];
    write([claude, block('a'), say('a', 'x'), end('a'), { type: 'finish', reason: { unified: 'pause' } }], lost);
    expect(lost).toEqual(['answer.pause']);
  });

  it('names what is lost', () => {
    const lost: string[] = [];
    const events: readonly AnswerEvent[] = [
      claude,
      block('s', 'server_tool_call', { initial: {} }),
      end('s'),
      block('c', 'tool_call', { name: 'f', callId: '1' }),
      args('c', 'no'),
      end('c'),
      { type: 'safety', scope: 'completion', verdicts: [{}] },
      { type: 'finish', reason: { unified: 'stop' }, stopSequence: 'END' },
    ];
    expect(parts(events, lost)).toEqual([{ functionCall: { id: '1', name: 'f', args: { _raw: 'no' } } }]);
    expect(lost.toSorted()).toEqual([
      'answer.safety',
      'answer.server_tools',
      'answer.stop_sequence',
      'answer.tool_arguments',
    ]);
  });
});
