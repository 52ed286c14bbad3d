import { describe, expect, it } from '@jest/globals';
import type { ProcessorOutput } from '../../src/kernel/component.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { RequestEvent } from '../../src/kernel/event.ts';
import type { ChatRequest } from '../../src/kernel/request.ts';
import type { ProcessorStep } from '../../src/kernel/request-chain.ts';
import {
  events,
  failureOf,
  passThrough,
  rewrite,
  runSetUp,
  say,
  textOf,
  whole,
  type StepOptions,
} from '../support/processor-steps.ts';
import { turn } from '../support/turn.ts';

describe('a step that fails', () => {
  const broken = (options?: StepOptions): ProcessorStep =>
    whole(
      () => {
        throw new TypeError('broken');
      },
      { name: 'broken', ...options },
    );

  it('fails the chain, with its name', async () => {
    const error = await failureOf(() => runSetUp().process([broken()]));
    expect(error).toMatchObject({
      code: 'PROCESSOR_FAILED',
      context: { component: 'broken' },
      cause: { message: 'broken' },
    });
  });

  it.each<[string, ProcessorStep, string]>([
    ['throws', broken({ onError: 'skip' }), 'PROCESSOR_FAILED'],
    [
      'rejects',
      whole(
        async () => {
          await turn();
          throw new Error('broken');
        },
        { name: 'broken', onError: 'skip' },
      ),
      'PROCESSOR_FAILED',
    ],
    [
      'floods',
      events(
        (_event, output) => {
          for (;;) output.push({ type: 'message.end' });
        },
        { name: 'broken', onError: 'skip' },
      ),
      'PROCESSOR_FLOOD',
    ],
    ['breaks the order', events(() => {}, { name: 'broken', onError: 'skip' }), 'PROCESSOR_FAILED'],
    [
      'gives no request',
      whole(() => 'text' as unknown as ChatRequest, { name: 'broken', onError: 'skip' }),
      'PROCESSOR_FAILED',
    ],
    [
      'pushes nothing',
      events(
        (event, output) => {
          output.push(event);
          output.push(undefined as unknown as RequestEvent);
        },
        { name: 'broken', onError: 'skip' },
      ),
      'PROCESSOR_FAILED',
    ],
  ])('and %s is skipped where the author says so', async (_what, failing, code) => {
    const { process, log, meter } = runSetUp();
    expect(textOf(await process([rewrite((text) => `${text}1`), failing, rewrite((text) => `${text}2`)]))).toBe('hi12');
    expect(log.lines).toEqual([
      expect.objectContaining({
        level: 'warn',
        message: 'A processor failed and was skipped',
        fields: expect.objectContaining({ processor: 'broken', code }) as unknown,
      }),
    ]);
    expect(meter.value('processors_skipped')).toBe(1);
  });

  it('is not skipped when it is a guard', async () => {
    expect(await failureOf(() => runSetUp().process([broken({ onError: 'skip', guard: true })]))).toMatchObject({
      code: 'PROCESSOR_FAILED',
    });
  });

  it.each(['REQUEST_BLOCKED', 'REQUEST_INVALID'] as const)('with %s has answered, not failed', async (code) => {
    const verdict = new SluiceError(code);
    const { process, log } = runSetUp();
    expect(
      await failureOf(() =>
        process([
          whole(
            () => {
              throw verdict;
            },
            { onError: 'skip' },
          ),
        ]),
      ),
    ).toBe(verdict);
    expect(
      await failureOf(() =>
        process([
          whole(
            async () => {
              await turn();
              throw verdict;
            },
            { onError: 'skip' },
          ),
        ]),
      ),
    ).toBe(verdict);
    expect(log.lines).toEqual([]);
  });

  it('is ended by its timeout, and what it pushes later is only counted', async () => {
    const { process, clock, meter, shown } = runSetUp();
    const { promise, resolve } = Promise.withResolvers<void>();
    let late: ProcessorOutput | undefined;
    let calls = 0;
    const slow = events(
      (event, output) => {
        calls += 1;
        late = output;
        return promise.then(() => output.push(event));
      },
      { name: 'slow', timeoutMilliseconds: 500, onError: 'skip' },
    );
    const result = process([slow]);
    await clock.advance(500);
    expect(await result).toEqual({ request: say('hi') });
    resolve();
    await turn();
    late?.push({ type: 'request.end' });
    expect(calls).toBe(1);
    expect(shown).toEqual(['wait slow', 'end slow']);
    expect([clock.pending, meter.snapshot()]).toEqual([
      0,
      { component_orphans: 1, events_after_end: 2, orphans_settled_late: 1, processors_skipped: 1 },
    ]);
  });

  it('sees its timeout in the signal of its run', async () => {
    const { process, clock } = runSetUp();
    let signal: AbortSignal | undefined;
    const failure = failureOf(() =>
      process([
        whole(
          (_request, _output, run) => {
            signal = run.signal;
            return new Promise(() => {});
          },
          { timeoutMilliseconds: 5 },
        ),
      ]),
    );
    await clock.advance(5);
    expect(await failure).toMatchObject({ code: 'PROCESSOR_TIMEOUT' });
    expect(signal?.aborted).toBe(true);
  });

  it('because the run is over is never skipped', async () => {
    const { process, abort, clock, log } = runSetUp();
    const failure = failureOf(() => process([whole(() => new Promise(() => {}), { onError: 'skip' })]));
    abort.abort(new SluiceError('CLIENT_GONE'));
    expect(await failure).toMatchObject({ code: 'CLIENT_GONE' });
    expect([clock.pending, log.lines]).toEqual([0, []]);
  });

  it('by a wrong order of events is named, also when a later step handed the events on', async () => {
    const wrong = events(
      (event, output) => {
        if (event.type !== 'message.end') output.push(event);
      },
      { name: 'wrong' },
    );
    for (const later of [
      [],
      [passThrough()],
      [passThrough(), whole(() => undefined)],
      [{ ...passThrough(), when: () => true }],
    ]) {
      const error = await failureOf(() => runSetUp().process([passThrough(), wrong, ...later]));
      expect(error).toMatchObject({
        code: 'PROCESSOR_FAILED',
        context: { component: 'wrong', reason: expect.stringContaining('request.end') },
      });
    }
  });

  it('pushes and returns a request at once', async () => {
    const both = whole((request, output) => {
      output.push({ type: 'request.end' });
      return request;
    });
    expect(await failureOf(() => runSetUp().process([both]))).toMatchObject({
      context: { reason: 'it pushed events and returned a request' },
    });
  });
});

describe('a flood', () => {
  const flood = (push: (output: ProcessorOutput) => void): ProcessorStep =>
    events((_event, output) => push(output), { name: 'flood' });
  const mebibyte = 'x'.repeat(1_048_576);

  it.each<[string, (output: ProcessorOutput) => void, string]>([
    [
      'of events',
      (output) => {
        for (let count = 0; count < 65_537; count += 1) output.push({ type: 'message.end' });
      },
      '65536 events',
    ],
    [
      'of text',
      (output) => {
        for (let count = 0; count < 33; count += 1)
          output.push({ type: 'text.delta', blockId: 'b', role: 'user', text: mebibyte });
      },
      '33554432 characters',
    ],
    [
      'of media',
      (output) => {
        for (let count = 0; count < 33; count += 1)
          output.push({ type: 'media.delta', blockId: 'b', base64: mebibyte });
      },
      '33554432 characters',
    ],
    [
      'of answer events',
      (output) => output.answer(Array.from({ length: 65_537 }, () => ({ type: 'stream.end', outcome: 'ok' }) as const)),
      '65536 events',
    ],
  ])('%s ends the step', async (_what, push, limit) => {
    const error = await failureOf(() => runSetUp().process([flood(push)]));
    expect(error).toMatchObject({ code: 'PROCESSOR_FLOOD', details: { limit } });
  });

  it('is one even if the step looks away', async () => {
    const deaf = flood((output) => {
      try {
        for (;;) output.push({ type: 'message.end' });
      } catch {
        /* looks away */
      }
    });
    expect(await failureOf(() => runSetUp().process([deaf]))).toMatchObject({ code: 'PROCESSOR_FLOOD' });
  });

  it('may come as a whole request', async () => {
    const large = whole((request) => ({
      ...request,
      messages: Array.from({ length: 33 }, () => ({
        role: 'user' as const,
        content: [{ kind: 'text' as const, text: mebibyte }],
      })),
    }));
    expect(await failureOf(() => runSetUp().process([large]))).toMatchObject({ code: 'PROCESSOR_FLOOD' });
  });

  it('is none where a step hands on what the client sent', () => {
    const { process } = runSetUp();
    const many: ChatRequest = {
      ...say(''),
      messages: Array.from({ length: 14_000 }, () => ({
        role: 'user' as const,
        content: [{ kind: 'text' as const, text: 'a' }],
      })),
    };
    expect(process([passThrough(), whole((request) => ({ ...request }))], many)).toEqual({ request: many });
    const long = say(mebibyte.repeat(33));
    expect(process([passThrough()], long)).toEqual({ request: long });
  });
});
