import { describe, expect, it } from '@jest/globals';
import type { Encoder, StreamEncoder } from '../../src/kernel/component.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { maskStep, modifying, textStep } from '../support/bound-modifiers.ts';
import { chatRequest } from '../support/chat-run.ts';
import { answerFrames, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { watchProcess } from '../support/process-watch.ts';
import { HandClient, processorStep, runByHand, type HandRun, type HandRunOptions } from '../support/run-by-hand.ts';
import { testRun } from '../support/test-run.ts';
import { turn } from '../support/turn.ts';
import { expectEnded, letDrain, play } from './run-checks.ts';

const whole = answerFrames({ text: ['the ', 'plan'] }).join('');
const begun = roleFrame() + textFrame('the secret') + textFrame(' is');
const { capabilities } = testRun();
const fail = (reason: string) => (): never => {
  throw new Error(reason);
};

function brokenEncoder(part: Partial<StreamEncoder>, others: Partial<Encoder> = {}): Encoder {
  const encoder = openaiChatEncoder.create({}, capabilities);
  return { ...encoder, open: (context) => Object.assign(encoder.open(context), part), ...others };
}

describe('a run that ends well', () => {
  it('is complete, recorded and told once', async () => {
    const hand = runByHand();
    await play(hand, whole);
    await letDrain(hand);
    expect(expectEnded(hand)).toEqual(['end', 'ok']);
    expect(readOpenAiStream(Buffer.from(hand.client.text))).toMatchObject({ text: 'the plan', terminals: ['done'] });
  });
});

describe('an end in which something throws', () => {
  const secretive = textStep('mine', () => ({
    text: (chunk) => chunk,
    flush: () => '',
    get matches(): number {
      throw new Error('no count');
    },
  }));
  const throwing = (...calls: readonly ('fail' | 'end' | 'endWithJson')[]) =>
    class extends HandClient {
      override end(frames: string): void {
        if (calls.includes('end')) fail('no end')();
        super.end(frames);
      }
      override endWithJson(body: string): void {
        if (calls.includes('endWithJson')) fail('no document')();
        super.endWithJson(body);
      }
      override fail(error: SluiceError, frame: string): void {
        if (calls.includes('fail')) fail('no failure')();
        super.fail(error, frame);
      }
    };
  const document = chatRequest({ stream: false });

  it.each<readonly [string, HandRunOptions<HandClient>, 'fail' | 'drop', string | undefined]>([
    ['the encoder, at the last frame', { encoder: brokenEncoder({ end: fail('no end') }) }, 'fail', 'INTERNAL'],
    [
      'the encoder, at the last frame and at the error frame',
      { encoder: brokenEncoder({ end: fail('no end'), fail: fail('no frame') }) },
      'drop',
      undefined,
    ],
    [
      'the encoder, at an event',
      { encoder: brokenEncoder({ encode: fail('no event'), copies: () => false }) },
      'fail',
      'INTERNAL',
    ],
    [
      'the encoder of a document',
      { request: document, encoder: brokenEncoder({}, { encodeAnswer: fail('no document') }) },
      'fail',
      'INTERNAL',
    ],
    [
      'a count that can not be read',
      { pipeline: { modifiers: () => [maskStep(['secret']), secretive] } },
      'fail',
      'MODIFIER_FAILED',
    ],
    [
      'a count that can not be read, of a document',
      { request: document, pipeline: { modifiers: () => [secretive] } },
      'fail',
      'MODIFIER_FAILED',
    ],
    [
      'a count, behind a step that waited',
      {
        pipeline: {
          modifiers: () => [secretive, modifying('slow', async (event, emit) => turn().then(() => emit(event)))],
        },
      },
      'fail',
      'MODIFIER_FAILED',
    ],
    ['the client, at the end', { client: (clock) => new (throwing('end'))(clock) }, 'drop', undefined],
    [
      'the client, at the document',
      { request: document, client: (clock) => new (throwing('endWithJson'))(clock) },
      'drop',
      undefined,
    ],
  ])('is no success: %s', async (_what, options, end, code) => {
    using watch = watchProcess();
    const hand = runByHand(options);
    hand.client.headCommitted = true;
    if (options.encoder === undefined || options.request !== undefined) await play(hand, whole);
    else await playAll(hand, whole);
    await letDrain(hand);
    const [told] = expectEnded(hand);
    expect([told, hand.client.error?.code]).toEqual([end, code]);
    if (end === 'fail') expect(hand.records()[0]?.fields).toMatchObject({ outcome: 'error', code });
    expect([hand.client.text.includes('[DONE]'), watch.escaped]).toEqual([false, []]);
  });

  /** A broken encoder may fail before the run has even begun. */
  async function playAll(hand: HandRun, read: string): Promise<void> {
    try {
      await play(hand, read);
    } catch (error) {
      hand.run.fail(error);
    }
  }

  it.each<readonly [string, HandRunOptions<HandClient>, 'fail' | 'drop']>([
    ['the encoder, at the error frame', { encoder: brokenEncoder({ fail: fail('no frame') }) }, 'drop'],
    ['a count that can not be read', { pipeline: { modifiers: () => [secretive] } }, 'fail'],
    ['the client, at the failure', { client: (clock) => new (throwing('fail'))(clock) }, 'drop'],
  ])('of a run that had failed is recorded with its own error: %s', async (_what, options, end) => {
    const hand = runByHand(options);
    hand.run.start();
    hand.transport.head();
    hand.transport.data(begun);
    await turn();
    hand.transport.reset();
    await turn();
    expect(expectEnded(hand)).toEqual([end, 'error']);
    expect(hand.records()[0]?.fields).toMatchObject({ code: 'UPSTREAM_RESET' });
  });

  const unreadable = {
    get message(): string {
      throw new Error('not even the message');
    },
  };
  it.each([
    ['a string', 'a string'],
    ['undefined', undefined],
    ['null', null],
    ['an object without a prototype', Object.create(null) as unknown],
    ['a message that throws', unreadable],
    ['a text that throws', { toString: fail('no text') }],
    ['a cause of itself', Object.assign(new Error('again'), { cause: unreadable })],
    ['a symbol', Symbol('s')],
  ])('is recorded whatever was thrown: %s', async (_what, thrown) => {
    const throws = processorStep(() => {
      throw thrown;
    });
    const hand = runByHand({ pipeline: { processors: () => [throws] } });
    hand.run.start();
    await turn();
    expect(expectEnded(hand)).toEqual(['fail', 'error']);
    expect(hand.client.error).toMatchObject({ code: 'PROCESSOR_FAILED', status: 500 });
  });

  it.each([42, 200, 0, -1, 399, 600, 1e9, Number.NaN, 404.5])(
    'has the status of its code where a processor gives it %p',
    async (status) => {
      const throws = processorStep(() => {
        throw new SluiceError('REQUEST_BLOCKED', { status, details: { rule: 'mine' } });
      });
      const hand = runByHand({ pipeline: { processors: () => [throws] } });
      hand.run.start();
      await turn();
      expect(expectEnded(hand)).toEqual(['fail', 'error']);
      expect(hand.client.error).toMatchObject({ code: 'REQUEST_BLOCKED', status: 400 });
    },
  );
});

describe('a terminator and the end of its connection in one turn', () => {
  const endings: readonly (readonly [string, (hand: HandRun) => void])[] = [
    ['a reset', ({ transport }) => transport.reset()],
    ['a clean end', ({ transport }) => transport.end()],
    ['more text and a reset', ({ transport }) => (transport.data(textFrame('late')), transport.reset())],
  ];

  it.each(endings)('are complete, and recorded once: %s', async (_what, end) => {
    const hand = runByHand();
    await play(hand, roleFrame());
    hand.transport.data(textFrame('the plan') + finishFrame());
    hand.transport.data(doneFrame);
    end(hand);
    await turn();
    expect(expectEnded(hand)).toEqual(['end', 'ok']);
    expect(readOpenAiStream(Buffer.from(hand.client.text))).toMatchObject({
      text: 'the plan',
      terminals: ['done'],
      afterTerminal: 0,
    });
    expect(hand.transport.calls).not.toContain('abort');
  });

  it.each(endings)('are complete for one who wants a document: %s', async (_what, end) => {
    const hand = runByHand({ request: chatRequest({ stream: false }) });
    await play(hand, roleFrame());
    hand.transport.data(textFrame('the plan') + finishFrame() + doneFrame);
    end(hand);
    await turn();
    expect(expectEnded(hand)).toEqual(['json', 'ok']);
  });

  it('are complete also where a step still waits when the connection is gone', async () => {
    const slow = modifying('slow', async (event, emit) => turn(2).then(() => emit(event)));
    const hand = runByHand({ pipeline: { modifiers: () => [slow] } });
    hand.run.start();
    hand.transport.head();
    hand.transport.data(whole);
    hand.transport.reset();
    for (let turns = 0; turns < 100 && hand.ended() === 0; turns += 1) await turn();
    expect(expectEnded(hand)).toEqual(['end', 'ok']);
    expect(readOpenAiStream(Buffer.from(hand.client.text))).toMatchObject({ text: 'the plan', terminals: ['done'] });
  });

  it('without the terminator are a failure, behind what had come', async () => {
    const hand = runByHand();
    await play(hand, roleFrame());
    hand.transport.data(textFrame('the plan'));
    hand.transport.reset();
    await turn();
    expect(expectEnded(hand)).toEqual(['fail', 'error']);
    expect(readOpenAiStream(Buffer.from(hand.client.text))).toMatchObject({ text: 'the plan', terminals: ['error'] });
  });
});

describe('the record of a run that failed', () => {
  const masks = { pipeline: { modifiers: () => [maskStep(['secret'])] } };

  it.each<readonly [string, (hand: HandRun) => void]>([
    ['the provider broke off', ({ transport }) => transport.reset()],
    ['the client left', ({ run }) => run.onGone()],
    ['a step failed', ({ run }) => run.fail(new SluiceError('MODIFIER_FAILED'))],
    ['it took too long', ({ run }) => run.onTick(Number.POSITIVE_INFINITY)],
  ])('tells what was masked before: %s', async (_why, end) => {
    const hand = runByHand(masks);
    await play(hand, begun);
    end(hand);
    await turn();
    expectEnded(hand);
    expect(hand.records()[0]?.fields['steps']).toEqual({ mask: 1 });
  });
});
