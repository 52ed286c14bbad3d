import { describe, expect, it } from '@jest/globals';
import { ollamaBackend } from '../../src/backends/ollama.ts';
import { ollamaEncoder } from '../../src/encoders/ollama.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { chatRequest } from '../support/chat-run.ts';
import { lastOllamaLine } from '../support/ollama-lines.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';

type Json = Readonly<Record<string, unknown>>;

const request = chatRequest({ dialect: 'ollama', model: 'alias' });
const encoder = ollamaEncoder.create({}, {});
const backend = ollamaBackend.create(
  { baseUrl: 'http://127.0.0.1:11434', model: 'm', thinkLevels: true },
  { clock: new TestClock() },
);
const role = 'assistant' as const;
const meta: AnswerEvent = { type: 'response.meta', provider: 'openai-chat', responseId: 'r', model: 'gpt' };
const message = (fields: Json = {}): Json => ({ role, content: '', ...fields });

describe('a document', () => {
  const documentOf = (events: readonly AnswerEvent[], test = testRun()): Json => {
    const fold = new AnswerFold();
    for (const event of events) fold.push(event);
    return encoder.encodeAnswer(fold.answer, { run: test.run, request, created: 1_767_225_600 }) as Json;
  };

  it('of Ollama is the same document again', () => {
    const document = lastOllamaLine(1, {
      message: message({
        content: 'Yes.',
        thinking: 'Hm.',
        images: ['AAAA'],
        tool_calls: [{ id: 'c', function: { index: 0, name: 'f', arguments: { a: 1 } } }],
        mood: 'calm',
      }),
      logprobs: [{ token: 'Yes.', logprob: -1 }],
      vendor: 1,
    });
    expect(documentOf(backend.decodeBody(JSON.stringify(document), request))).toEqual(document);
  });

  it('of another provider has all that the format can say', () => {
    const test = testRun();
    const document = documentOf(
      [
        { ...meta, created: 1_700_000_000 } as AnswerEvent,
        { type: 'block.start', blockId: 'b0', kind: 'text', role },
        { type: 'text.delta', blockId: 'b0', role, text: 'Hel' },
        { type: 'text.delta', blockId: 'b0', role, text: 'lo' },
        { type: 'block.end', blockId: 'b0' },
        { type: 'block.start', blockId: 'c0', kind: 'tool_call', role, name: 'f' },
        { type: 'toolArgs.delta', blockId: 'c0', json: '{"a":1}' },
        { type: 'block.end', blockId: 'c0' },
        { type: 'finish', reason: { unified: 'tool_calls', raw: 'tool_calls' } },
        { type: 'usage', input: { total: 7 }, output: { total: 2 } },
      ],
      test,
    );
    expect(document).toEqual({
      model: 'gpt',
      created_at: '2023-11-14T22:13:20.000Z',
      message: message({
        content: 'Hello',
        tool_calls: [{ id: 'call_run-1_0', function: { index: 0, name: 'f', arguments: { a: 1 } } }],
      }),
      done: true,
      done_reason: 'stop',
      total_duration: 0,
      load_duration: 0,
      prompt_eval_count: 7,
      prompt_eval_duration: 0,
      eval_count: 2,
      eval_duration: 0,
    });
    expect(test.lost).toEqual([]);
  });

  it('names what is lost', () => {
    const test = testRun();
    documentOf(
      [
        meta,
        { type: 'block.start', blockId: 'b', kind: 'text', role },
        { type: 'text.delta', blockId: 'b', role, text: 'x', logprobs: [1] },
        { type: 'annotation', blockId: 'b', annotation: {} },
        { type: 'reasoning.signature', blockId: 'b', value: 's' },
        { type: 'block.end', blockId: 'b' },
        { type: 'block.start', blockId: 'a', kind: 'audio', role },
        { type: 'block.end', blockId: 'a' },
        { type: 'safety', scope: 'prompt', verdicts: [] },
        { type: 'finish', reason: { unified: 'stop' }, stopSequence: 'END' },
        { type: 'finish', reason: { unified: 'stop' }, choice: 1 },
      ],
      test,
    );
    expect([...test.lost].sort()).toEqual([
      'answer.choices',
      'answer.citations',
      'answer.logprobs',
      'answer.media',
      'answer.safety',
      'answer.signature',
      'answer.stop_sequence',
    ]);
  });

  it('of an error has the words that clients show', () => {
    expect(encoder.encodeError(new SluiceError('OVERLOADED'), 'req-1')).toEqual({
      contentType: 'application/json',
      body: { error: 'This gateway serves as many streams as it may.', code: 'OVERLOADED', request_id: 'req-1' },
    });
  });

  it('of models is that of /api/tags', () => {
    expect(encoder.encodeModels?.([{ id: 'support', created: 1_700_000_000, ownedBy: 'sluice' }])).toEqual({
      models: [
        {
          name: 'support',
          model: 'support',
          modified_at: '2023-11-14T22:13:20.000Z',
          size: 0,
          digest: '',
          details: {
            parent_model: '',
            format: '',
            family: 'sluice',
            families: ['sluice'],
            parameter_size: '',
            quantization_level: '',
          },
        },
      ],
    });
  });
});
