import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { SluiceError } from '../../src/kernel/errors.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import { chatRequest } from '../support/chat-run.ts';
import {
  backend,
  begin,
  dataOf,
  decode,
  delta,
  finish,
  messageStop,
  meta,
  metadata,
  start,
  stop,
  usage,
  usageEvent,
  type Frame,
} from './bedrock-converse/frames.ts';

describe('usage', () => {
  it.each([
    [
      { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
      { input: { total: 3, noCache: 3 }, output: { total: 2 }, total: 5 },
    ],
    [
      {
        inputTokens: 3,
        outputTokens: 2,
        totalTokens: 5,
        cacheReadInputTokens: 100,
        cacheWriteInputTokens: 50,
        cacheDetails: [
          { ttl: '5m', inputTokens: 20 },
          { ttl: 'T1H', inputTokens: 30 },
        ],
      },
      {
        input: { total: 153, noCache: 3, cacheRead: 100, cacheWrite: 50, cacheWrite5m: 20, cacheWrite1h: 30 },
        output: { total: 2 },
        total: 155,
      },
    ],
    [{ serverToolUsage: { webSearch: 2 } }, { serverTools: { webSearch: 2 } }],
    [{ inputTokens: -1, outputTokens: 'x', totalTokens: 7 }, { total: 7 }],
  ])('%j', (raw, expected) => {
    const events = decode([begin, messageStop('end_turn'), ['metadata', { usage: raw }]]);
    expect(events.at(-1)).toEqual({ type: 'usage', ...expected, final: true, raw });
  });
});

describe('a guardrail', () => {
  const trace = {
    guardrail: {
      modelOutput: ['The capital is Rome.'],
      actionReason: 'Guardrail masked.',
      inputAssessment: { g1: { topicPolicy: { topics: [{ name: 'Money', type: 'DENY', action: 'BLOCKED' }] } } },
      outputAssessments: {
        g1: [
          { sensitiveInformationPolicy: { piiEntities: [{ match: 'Rome', type: 'ADDRESS', action: 'ANONYMIZED' }] } },
        ],
      },
    },
  };
  const frames = [
    begin,
    delta(0, { text: 'It is {ADDRESS}.' }),
    messageStop('guardrail_intervened'),
    ['metadata', { usage, trace }] as Frame,
  ];

  it('gives its verdicts, and not what it has hidden', () => {
    const events = decode(frames);
    expect(events.filter(({ type }) => type === 'safety')).toEqual([
      {
        type: 'safety',
        scope: 'prompt',
        verdicts: [{ topicPolicy: { topics: [{ name: 'Money', type: 'DENY', action: 'BLOCKED' }] } }],
        blocked: true,
        reason: 'Guardrail masked.',
      },
      {
        type: 'safety',
        scope: 'completion',
        verdicts: [{ sensitiveInformationPolicy: { piiEntities: [{ type: 'ADDRESS', action: 'ANONYMIZED' }] } }],
        blocked: false,
        reason: 'Guardrail masked.',
      },
    ]);
    expect(JSON.stringify(events)).not.toContain('Rome');
  });

  it('hides it also in an answer in one piece', () => {
    const body = JSON.stringify({
      output: { message: { role: 'assistant', content: [] } },
      stopReason: 'guardrail_intervened',
      usage,
      trace,
    });
    expect(JSON.stringify(backend.decodeBody(body, chatRequest()))).not.toContain('Rome');
  });
});

describe('a frame without secrets', () => {
  it.each<[string, Frame, boolean]>([
    ['a beginning', begin, true],
    ['a text', delta(0, { text: 'a' }), true],
    ['a tool', start(0, { toolUse: { toolUseId: 't', name: 'f' } }), true],
    ['an end of a block', stop(0), true],
    ['an end', messageStop('end_turn'), true],
    ['usage', metadata, true],
    ['an unknown field', ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'a' }, note: 'secret' }], false],
    [
      'padding that is words',
      ['contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'a' }, p: 'the secret' }],
      false,
    ],
    [
      'a key twice',
      ['contentBlockDelta', '{"contentBlockIndex":0,"delta":{"text":"secret"},"delta":{"text":"a"}}'],
      false,
    ],
    ['fields of the model', messageStop('end_turn', { additionalModelResponseFields: { note: 'secret' } }), false],
    ['a citation', delta(0, { citation: { title: 'secret' } }), false],
    ['an unknown event', ['other', { note: 'secret' }], false],
    ['words as a reason', messageStop('the secret is out'), false],
  ])('%s', (_title, [event, payload], transparent) => {
    expect(backend.decode(chatRequest()).frame(event, dataOf(payload)).transparent).toBe(transparent);
  });
});

describe('an answer in one piece', () => {
  it('says what a stream would have said', () => {
    const body = {
      metrics: { latencyMs: 7 },
      output: {
        message: {
          role: 'assistant',
          content: [
            { reasoningContent: { reasoningText: { text: 'hm', signature: 'sig' } } },
            { reasoningContent: { redactedContent: 'AAEC' } },
            { text: 'Well, ' },
            { citationsContent: { content: [{ text: 'cited' }], citations: [{ title: 'Guide' }] } },
            { toolUse: { toolUseId: 't1', name: 'f', input: { a: [1] } } },
            { toolUse: { toolUseId: 't2', name: 'g', input: {} } },
            { toolUse: { toolUseId: 's', name: 'code', type: 'server_tool_use', input: {} } },
            { toolResult: { toolUseId: 's', content: [{ text: 'ok' }] } },
            { image: { format: 'jpeg', source: { bytes: 'AA==' } } },
            { hologram: { x: 1 } },
          ],
        },
      },
      stopReason: 'tool_use',
      usage,
    };
    const events = backend.decodeBody(JSON.stringify(body), chatRequest());
    const order = new EventOrder();
    for (const event of [...events, { type: 'stream.end', outcome: 'ok' } as const]) order.accept(event);
    expect(events[0]).toEqual(meta);
    expect(events.slice(-2)).toEqual([finish('tool_calls', 'tool_use'), usageEvent]);
    expect(events.flatMap((event) => (event.type === 'block.start' ? [event.kind] : []))).toEqual([
      'reasoning',
      'reasoning_redacted',
      'text',
      'text',
      'tool_call',
      'tool_call',
      'server_tool_call',
      'server_tool_result',
      'image',
      'unknown',
    ]);
    expect(events.flatMap((event) => (event.type === 'toolArgs.delta' ? [event.json] : []))).toEqual([
      '{"a":[1]}',
      '{}',
      '{}',
    ]);
    expect(events.flatMap((event) => (event.type === 'reasoning.signature' ? [event.value] : []))).toEqual([
      'sig',
      'AAEC',
    ]);
    expect(events.flatMap((event) => (event.type === 'text.delta' ? [event.text] : [])).join('|')).toBe(
      'hm|Well, |cited',
    );
  });

  it.each(['', 'null', '[]', '{}', '<html>', '{"output":{}}', '{"output":{"message":{}}}', '{"message":"no"}'])(
    'is not %j',
    (body) => {
      expect(() => backend.decodeBody(body, chatRequest())).toThrow(
        expect.objectContaining({ code: 'UPSTREAM_BAD_CONTENT' }),
      );
    },
  );
});

describe('whatever comes', () => {
  const names = [
    'messageStart',
    'contentBlockStart',
    'contentBlockDelta',
    'contentBlockStop',
    'messageStop',
    'metadata',
    'x',
    '',
  ];
  const scalar = fc.constantFrom<unknown>(0, 1, 2, -1, 1.5, '', 'a', 'AA==', null, true, 'server_tool_use', 'tool_use');
  const key = fc.constantFrom(
    'contentBlockIndex',
    'delta',
    'start',
    'text',
    'toolUse',
    'toolResult',
    'input',
    'name',
    'toolUseId',
    'type',
    'image',
    'source',
    'bytes',
    'reasoningContent',
    'signature',
    'redactedContent',
    'citation',
    'location',
    'web',
    'stopReason',
    'usage',
    'inputTokens',
    'cacheDetails',
    'trace',
    'guardrail',
    'inputAssessment',
    'content',
    'output',
    'message',
    '__proto__',
  );
  const { document } = fc.letrec((tie) => ({
    value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('document')),
    document: fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  }));

  it('is never more than a SluiceError, and events in order', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...names), document, fc.nat(2)), { maxLength: 12 }), (frames) => {
        const decoder = backend.decode(chatRequest());
        const order = new EventOrder();
        try {
          for (const [event, fields, contentBlockIndex] of frames)
            for (const made of decoder.frame(event, JSON.stringify({ contentBlockIndex, ...(fields as object) }))
              .events)
              order.accept(made);
          for (const made of decoder.end()) order.accept(made);
        } catch (error) {
          expect(error).toBeInstanceOf(SluiceError);
          expect((error as SluiceError).code).toMatch(/^UPSTREAM_/);
        }
      }),
    );
  });

  it('as a body neither', () => {
    fc.assert(
      fc.property(document, fc.array(document, { maxLength: 4 }), (fields, content) => {
        try {
          backend.decodeBody(
            JSON.stringify({ ...(fields as object), output: { message: { content } } }),
            chatRequest(),
          );
        } catch (error) {
          expect(error).toBeInstanceOf(SluiceError);
        }
      }),
    );
  });

  it('has bounds', () => {
    const flood = backend.decode(chatRequest());
    expect(() => {
      for (let index = 0; index < 5_000; index += 1)
        flood.frame('contentBlockDelta', dataOf(delta(index, { text: 'a' })[1]));
    }).toThrow(expect.objectContaining({ code: 'UPSTREAM_BAD_FRAME' }));
    const hoard = backend.decode(chatRequest());
    const signature = 'x'.repeat(1_000_000);
    expect(() => {
      for (let count = 0; count < 6; count += 1)
        hoard.frame('contentBlockDelta', dataOf(delta(0, { reasoningContent: { signature } })[1]));
    }).toThrow(expect.objectContaining({ code: 'UPSTREAM_BAD_FRAME' }));
  });
});
