import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import { currentRun, type Run } from '../../src/kernel/run.ts';
import { nativeEncoder } from '../../src/encoders/native.ts';
import { modifying } from '../support/bound-modifiers.ts';
import { chatRequest } from '../support/chat-run.ts';
import { answerBody, answerFrames } from '../support/openai-stream.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { HandClient, processorStep, runByHand, type HandRun, type HandRunOptions } from '../support/run-by-hand.ts';
import { testRun } from '../support/test-run.ts';
import { turn } from '../support/turn.ts';
import { expectEnded, letDrain } from './run-checks.ts';

const whole = answerFrames({ text: ['the ', 'plan'] }).join('');
const { capabilities } = testRun();

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
    const limits = {
      concurrentStreams: 1,
      maxStreamDuration: 5_000,
      maxFrameBytes: 1_048_576,
      maxAnswerBytes: 1_048_576,
    };
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
      override write(): boolean {
        throw new Error('no heartbeat');
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
  const changed = (stream: boolean): HandRunOptions<HandClient>['pipeline'] => ({
    processors: () => [processorStep((request) => ({ ...request, stream }))],
  });

  it.each([true, false])(
    'is a stream for who asked for one, whatever a processor wants; streamed upstream: %p',
    async (upstream) => {
      const hand = runByHand({ pipeline: { ...changed(upstream) } });
      hand.run.start();
      hand.transport.head(upstream ? 'text/event-stream' : 'application/json');
      hand.transport.data(upstream ? whole : JSON.stringify(answerBody({ text: ['the plan'] })));
      hand.transport.end();
      await turn();
      expect(expectEnded(hand)).toEqual(['end', 'ok']);
      expect(readOpenAiStream(Buffer.from(hand.client.text))).toMatchObject({ text: 'the plan', terminals: ['done'] });
    },
  );

  it.each([true, false])('is a document for who asked for one; streamed upstream: %p', async (upstream) => {
    const hand = runByHand({ request: chatRequest({ stream: false }), pipeline: { ...changed(upstream) } });
    hand.run.start();
    hand.transport.head(upstream ? 'text/event-stream' : 'application/json');
    hand.transport.data(upstream ? whole : JSON.stringify(answerBody({ text: ['the plan'] })));
    hand.transport.end();
    await turn();
    expect(expectEnded(hand)).toEqual(['json', 'ok']);
    expect(JSON.parse(hand.client.text)).toMatchObject({
      choices: [{ message: { content: 'the plan' }, finish_reason: 'stop' }],
    });
  });
});
