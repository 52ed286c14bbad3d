import { describe, expect, it } from '@jest/globals';
import type { Encoder, StreamEncoder } from '../../src/kernel/component.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { currentRun, type Run } from '../../src/kernel/run.ts';
import { nativeEncoder } from '../../src/encoders/native.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { maskStep, modifying, textStep } from '../support/bound-modifiers.ts';
import { chatRequest } from '../support/chat-run.ts';
import { answerBody, answerFrames, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { watchProcess } from '../support/process-watch.ts';
import { HandClient, processorStep, runByHand, type HandRun, type HandRunOptions } from '../support/run-by-hand.ts';
import { testRun } from '../support/test-run.ts';
import { turn } from '../support/turn.ts';

const whole = answerFrames({ text: ['the ', 'plan'] }).join('');
const begun = roleFrame() + textFrame('the secret') + textFrame(' is');
const { capabilities } = testRun();
const fail = (reason: string) => (): never => {
  throw new Error(reason);
};

/** Everything that belongs to a run has ended, once; says how the client and the record saw it. A client that left is told nothing. */
function expectEnded({ run, client, capabilities: { ticker }, forwarder, clock, ended, records }: HandRun): readonly [string, unknown] {
  const outcome = records()[0]?.fields['outcome'];
  const once = [1, 1, outcome === 'client-gone' ? 0 : 1];
  expect([records().length, ended(), client.ends.length]).toEqual(once);
  expect([ticker.size, forwarder.live, clock.pending]).toEqual([0, 0, 0]);
  run.onGone();
  run.fail(new Error('too late'));
  run.onTick(clock.now() + 3_600_000);
  expect([records().length, ended(), client.ends.length]).toEqual(once);
  return [client.ends[0] ?? '', outcome];
}

/** Starts the run and plays reads of the provider, each in a turn of its own. */
async function play(hand: HandRun, ...reads: readonly string[]): Promise<void> {
  hand.run.start();
  await turn();
  hand.transport.head();
  for (const read of reads) {
    hand.transport.data(read);
    await turn();
  }
  await turn(4);
}

/** After the terminator an upstream has a moment to end by itself. */
async function letDrain({ clock }: HandRun): Promise<void> {
  await clock.advance(500);
}

function brokenEncoder(part: Partial<StreamEncoder>, whole: Partial<Encoder> = {}): Encoder {
  const encoder = openaiChatEncoder.create({}, capabilities);
  return { ...encoder, open: (context) => Object.assign(encoder.open(context), part), ...whole };
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
    ['the encoder, at the last frame and at the error frame', { encoder: brokenEncoder({ end: fail('no end'), fail: fail('no frame') }) }, 'drop', undefined],
    ['the encoder, at an event', { encoder: brokenEncoder({ encode: fail('no event'), copies: () => false }) }, 'fail', 'INTERNAL'],
    ['the encoder of a document', { request: document, encoder: brokenEncoder({}, { encodeAnswer: fail('no document') }) }, 'fail', 'INTERNAL'],
    ['a count that can not be read', { pipeline: { modifiers: () => [maskStep(['secret']), secretive] } }, 'fail', 'MODIFIER_FAILED'],
    ['a count that can not be read, of a document', { request: document, pipeline: { modifiers: () => [secretive] } }, 'fail', 'MODIFIER_FAILED'],
    ['a count, behind a step that waited', { pipeline: { modifiers: () => [secretive, modifying('slow', async (event, emit) => turn().then(() => emit(event)))] } }, 'fail', 'MODIFIER_FAILED'],
    ['the client, at the end', { client: (clock) => new (throwing('end'))(clock) }, 'drop', undefined],
    ['the client, at the document', { request: document, client: (clock) => new (throwing('endWithJson'))(clock) }, 'drop', undefined],
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

  it.each([42, 200, 0, -1, 399, 600, 1e9, Number.NaN, 404.5])('has the status of its code where a processor gives it %p', async (status) => {
    const throws = processorStep(() => {
      throw new SluiceError('REQUEST_BLOCKED', { status, details: { rule: 'mine' } });
    });
    const hand = runByHand({ pipeline: { processors: () => [throws] } });
    hand.run.start();
    await turn();
    expect(expectEnded(hand)).toEqual(['fail', 'error']);
    expect(hand.client.error).toMatchObject({ code: 'REQUEST_BLOCKED', status: 400 });
  });
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
    expect(readOpenAiStream(Buffer.from(hand.client.text))).toMatchObject({ text: 'the plan', terminals: ['done'], afterTerminal: 0 });
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

describe('what a processor shows of its progress', () => {
  const messages = 10_000;
  const talking = (during: (run: Run) => Promise<void>): HandRunOptions<HandClient> => ({
    encoder: nativeEncoder.create({}, capabilities),
    pipeline: {
      processors: () => [
        processorStep(async (request, _output, run) => {
          await turn();
          await during(run);
          return request;
        }),
      ],
    },
  });
  const talk = (run: Run, count: number): void => {
    for (let index = 0; index < count; index += 1) run.progress('mine', `step ${index}`, 'x'.repeat(1_000));
  };

  it('is not kept for a client that does not read', async () => {
    const hand = runByHand(talking(async (run) => talk(run, messages)));
    hand.client.reads = false;
    hand.run.start();
    await turn(4);
    // The frame that the client did not take any more is the last one.
    expect([hand.client.writes, hand.client.text.length < 10_000]).toEqual([1, true]);
    hand.client.stalledSince = undefined;
    hand.run.onGone();
    expectEnded(hand);
  });

  it('is shown again when it reads', async () => {
    const gate = Promise.withResolvers<void>();
    const hand = runByHand(
      talking(async (run) => {
        talk(run, messages);
        await gate.promise;
        talk(run, 3);
      }),
    );
    hand.client.reads = false;
    hand.run.start();
    await turn(4);
    const before = hand.client.writes;
    hand.client.reads = true;
    hand.client.stalledSince = undefined;
    hand.run.onDrain();
    gate.resolve();
    await turn(4);
    // Three messages, and that the step is over.
    expect(hand.client.writes - before).toBe(4);
    hand.run.onGone();
  });

  it('is shown to no client that wants a document, and none after the end', async () => {
    let later: Run | undefined;
    const hand = runByHand({
      ...talking(async (run) => {
        later = run;
        talk(run, 3);
      }),
      request: chatRequest({ dialect: 'native', stream: false }),
    });
    hand.run.start();
    await turn(4);
    hand.run.onGone();
    if (later !== undefined) talk(later, 3);
    expect([hand.client.writes, hand.client.text]).toEqual([0, '']);
  });
});

describe('whom an error is laid to', () => {
  /** Notes the run in whose context the end of `hand` is told to a step. */
  function noting(seen: (string | undefined)[]): HandRunOptions<HandClient>['pipeline'] {
    const waits = processorStep(
      (_request, _output, run) =>
        new Promise((_resolve, reject) => {
          run.signal.addEventListener('abort', () => {
            seen.push(currentRun.getStore()?.runId);
            reject(run.signal.reason as Error);
          });
        }),
    );
    return { processors: () => [waits] };
  }

  it.each<readonly [string, (hand: HandRun) => Promise<unknown> | void]>([
    ['it took too long', ({ clock }) => clock.advance(10_000)],
    ['its client left', ({ run }) => run.onGone()],
    ['the engine ends it', ({ run }) => run.fail(new SluiceError('DRAINING'))],
    ['its place is taken', ({ run }) => run.drop()],
  ])('is the run that ends, whoever calls: %s', async (_why, end) => {
    const seen: (string | undefined)[] = [];
    const other = runByHand({ id: 'other' });
    other.run.start();
    other.transport.head();
    const limits = { concurrentStreams: 1, maxStreamDuration: 5_000, maxFrameBytes: 1_048_576, maxAnswerBytes: 1_048_576 };
    const hand = runByHand({ id: 'mine', beside: other, pipeline: { ...noting(seen), limits } });
    hand.run.start();
    await turn();
    await currentRun.run({ runId: 'a third', fail: () => undefined }, () => end(hand));
    await turn(2);
    expect([seen, hand.ended(), other.ended()]).toEqual([['mine'], 1, 0]);
    other.run.onGone();
  });

  it('is its own run where what a provider sends comes in the context of another', async () => {
    const seen: (string | undefined)[] = [];
    const note = modifying('notes', (event, emit) => {
      seen.push(currentRun.getStore()?.runId);
      emit(event);
    });
    const hand = runByHand({ id: 'mine', pipeline: { modifiers: () => [note] } });
    hand.run.start();
    await turn();
    await currentRun.run({ runId: 'another', fail: () => undefined }, async () => {
      hand.transport.head();
      hand.transport.data(whole);
      hand.transport.end();
      await turn();
    });
    expect(new Set(seen)).toEqual(new Set(['mine']));
    expect(expectEnded(hand)).toEqual(['end', 'ok']);
  });

  it('is nobody else when the tick of a run throws', async () => {
    class Unwritable extends HandClient {
      override commit(): boolean {
        return fail('no heartbeat')();
      }
    }
    const bad = runByHand<HandClient>({ id: 'bad', client: (clock) => new Unwritable(clock) });
    const good = runByHand({ id: 'good', beside: bad });
    for (const { run, transport } of [bad, good]) {
      run.start();
      transport.head();
    }
    await bad.clock.advance(10_000);
    expect([bad.ended(), good.ended(), good.client.text]).toEqual([1, 0, ': hb\n\n']);
    expect(bad.records()[0]?.fields).toMatchObject({ outcome: 'error', code: 'INTERNAL' });
    good.transport.data(whole);
    await turn();
    await letDrain(good);
    expect(expectEnded(good)).toEqual(['end', 'ok']);
  });
});

describe('the form of an answer', () => {
  const changed = (stream: boolean): HandRunOptions<HandClient>['pipeline'] => ({ processors: () => [processorStep((request) => ({ ...request, stream }))] });

  it.each([true, false])('is a stream for who asked for one, whatever a processor wants; streamed upstream: %p', async (upstream) => {
    const hand = runByHand({ pipeline: { ...changed(upstream) } });
    hand.run.start();
    hand.transport.head(upstream ? 'text/event-stream' : 'application/json');
    hand.transport.data(upstream ? whole : JSON.stringify(answerBody({ text: ['the plan'] })));
    hand.transport.end();
    await turn();
    expect(expectEnded(hand)).toEqual(['end', 'ok']);
    expect(readOpenAiStream(Buffer.from(hand.client.text))).toMatchObject({ text: 'the plan', terminals: ['done'] });
  });

  it.each([true, false])('is a document for who asked for one; streamed upstream: %p', async (upstream) => {
    const hand = runByHand({ request: chatRequest({ stream: false }), pipeline: { ...changed(upstream) } });
    hand.run.start();
    hand.transport.head(upstream ? 'text/event-stream' : 'application/json');
    hand.transport.data(upstream ? whole : JSON.stringify(answerBody({ text: ['the plan'] })));
    hand.transport.end();
    await turn();
    expect(expectEnded(hand)).toEqual(['json', 'ok']);
    expect(JSON.parse(hand.client.text)).toMatchObject({ choices: [{ message: { content: 'the plan' }, finish_reason: 'stop' }] });
  });
});
