import { afterEach, describe, expect, it } from '@jest/globals';
import { openaiChatBackend } from '../../src/backends/openai-chat.ts';
import { nativeEncoder } from '../../src/encoders/native.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { defineBackend, type AnswerDecoder, type AnyComponent } from '../../src/kernel/component.ts';
import type { EventRewriter } from '../../src/kernel/modifier.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { closeStages, type Stage } from '../faults/stage.ts';
import { forms, seenBy, streams, type Form } from '../faults/seen.ts';
import { answerBody, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { answering, streaming, type Step } from '../support/scenario.ts';
import { turn } from '../support/turn.ts';
import { encoderWith, eventModifier, modifier, processor } from './review-components.ts';
import { answer, lastRecordOf, openReview, recordOf, step } from './review-stage.ts';

afterEach(closeStages);

/** The client has seen the head before the rest comes. */
const inTwoParts = streaming(
  [roleFrame(), textFrame('the ')],
  [{ wait: 'rest' }, { write: { text: textFrame('plan') + finishFrame() + doneFrame } }, 'end'],
);
const cut = (frames: readonly string[]): readonly Step[] => streaming(frames, ['rst']);
const fails = (reason: string) => (): never => {
  throw new Error(reason);
};
/** Resolves when the client has its end, whatever that is. */
async function endOf(stage: Stage, form: Form): Promise<{ readonly how: string; readonly received: string }> {
  const client = await stage.ask(form);
  const how = await client.end();
  return { how, received: client.received.toString('utf8') };
}

const success = /\[DONE\]|"outcome":"ok"|"finish_reason":"stop"|"finishReason":"stop"/;

describe('an end in which a component throws', () => {
  const encodersWith = (part: Parameters<typeof encoderWith>[1]): readonly AnyComponent[] => [
    encoderWith(openaiChatEncoder, part),
    encoderWith(nativeEncoder, part),
  ];

  it.each(streams)('is a reset where there is not even an error frame: %s', async (form) => {
    const stage = await openReview({
      components: encodersWith({ fail: fails('no frame') }),
      upstream: cut([roleFrame(), textFrame('the ')]),
    });
    const { how, received } = await endOf(stage, form);
    expect([how, success.test(received)]).toEqual(['reset', false]);
    expect(await recordOf(stage)).toMatchObject({ outcome: 'error', code: 'UPSTREAM_RESET' });
  });

  it.each(streams)('is an error where there is no terminator: %s', async (form) => {
    const stage = await openReview({ components: encodersWith({ end: fails('no end') }), upstream: inTwoParts });
    const client = await stage.ask(form);
    await client.until('the ');
    stage.upstream.release('rest');
    expect(await seenBy(client, form)).toMatchObject({ status: 200, end: 'error', code: 'INTERNAL', text: 'the plan' });
    expect(await recordOf(stage)).toMatchObject({ outcome: 'error', code: 'INTERNAL' });
  });

  it.each(streams)('is a reset where there is neither: %s', async (form) => {
    const stage = await openReview({
      components: encodersWith({ end: fails('no end'), fail: fails('no frame') }),
      upstream: inTwoParts,
    });
    const client = await stage.ask(form);
    await client.until('the ');
    stage.upstream.release('rest');
    const how = await client.end();
    const received = client.received.toString('utf8');
    expect([how, received.includes('[DONE]'), received.includes('"outcome"')]).toEqual(['reset', false, false]);
    expect(await recordOf(stage)).toMatchObject({ outcome: 'error' });
  });

  const secretive = modifier('secretive', () => ({
    effect: 'text',
    channels: ['text'],
    policy: { mode: 'live' },
    open: () => ({
      text: (chunk) => chunk,
      flush: () => '',
      get matches(): number {
        return fails('no count')();
      },
    }),
  }));

  it.each(forms)('is the failure of the step whose count can not be read: %s', async (form) => {
    const stage = await openReview({ components: [secretive], modifiers: [step('secretive')] });
    const seen = await seenBy(await stage.ask(form), form);
    expect([seen.end, seen.code]).toEqual(['error', 'MODIFIER_FAILED']);
    expect(await recordOf(stage)).toMatchObject({ outcome: 'error', code: 'MODIFIER_FAILED', modifier: 'secretive' });
  });

  it.each(forms)('is recorded with its own error, though a count can not be read: %s', async (form) => {
    const stage = await openReview({
      components: [secretive],
      modifiers: [step('secretive')],
      upstream: cut([roleFrame(), textFrame('the ')]),
    });
    const seen = await seenBy(await stage.ask(form), form);
    expect([seen.end, seen.code]).toEqual(['error', 'UPSTREAM_RESET']);
    expect(await recordOf(stage)).toMatchObject({ outcome: 'error', code: 'UPSTREAM_RESET' });
  });

  it.each(forms)('has a true status where a processor gives it another: %s', async (form) => {
    let status = 0;
    const blocks = processor('blocks', () => ({
      processRequest: () => {
        throw new SluiceError('REQUEST_BLOCKED', { status, details: { rule: 'mine' } });
      },
    }));
    const stage = await openReview({ components: [blocks], processors: [step('blocks')] });
    for (status of [42, 200, 204, 301, 999]) {
      const client = await stage.ask(form);
      expect([status, await seenBy(client, form)]).toEqual([
        status,
        expect.objectContaining({ status: 400, end: 'error' }),
      ]);
      expect(await lastRecordOf(stage)).toMatchObject({ outcome: 'error', code: 'REQUEST_BLOCKED' });
      // The connection is as good as before.
      await client.send({ path: '/readyz' });
      expect((await client.response(1)).status).toBe(200);
    }
  });
});

const foreignEnds: Readonly<Record<string, AnswerEvent>> = {
  'an error': { type: 'error', code: 'MINE', message: 'my own', status: 200, retryable: false },
  'a stream that is truncated': { type: 'stream.end', outcome: 'truncated' },
  'a stream that failed': { type: 'stream.end', outcome: 'error' },
  'a stream that was blocked': { type: 'stream.end', outcome: 'blocked' },
  'a stream that its client left': { type: 'stream.end', outcome: 'aborted-by-client' },
  'a second start': { type: 'stream.start', requestId: 'r', pipeline: 'p', dialect: 'native' },
};

describe('a component that ends the answer in its own way', () => {
  /** Emits it in front of the events of a type, once. */
  const inFrontOf = (type: AnswerEvent['type'], event: AnswerEvent): EventRewriter => {
    let done = false;
    return {
      modify(current, emit) {
        if (current.type === type && !done) {
          done = true;
          emit(event);
        }
        emit(current);
      },
    };
  };
  const early: readonly AnswerEvent[] = [
    { type: 'block.start', blockId: 'b0', kind: 'text', role: 'assistant' },
    { type: 'text.delta', blockId: 'b0', role: 'assistant', text: 'early' },
    { type: 'block.end', blockId: 'b0' },
    { type: 'finish', reason: { unified: 'stop' } },
  ];
  const places = ['response.meta', 'text.delta', 'finish', 'stream.end'] as const;

  /** Who ends the answer, where, and with what; read by the components when a run comes to them. */
  interface Plan {
    readonly who: 'modifier' | 'flush' | 'processor' | 'backend';
    readonly where: string;
    readonly what: string;
  }
  const plans: readonly Plan[] = Object.keys(foreignEnds).flatMap((what) => [
    ...places.map((where) => ({ who: 'modifier', where, what }) as const),
    { who: 'flush', where: 'end', what },
    ...(['alone', 'first', 'last'] as const).map((where) => ({ who: 'processor', where, what }) as const),
    { who: 'backend', where: 'finish', what },
  ]);

  function endingComponents(current: () => Plan): readonly AnyComponent[] {
    const eventOf = ({ what }: Plan): AnswerEvent => foreignEnds[what] ?? { type: 'stream.end', outcome: 'error' };
    return [
      eventModifier('ends', () => {
        const plan = current();
        if (plan.who === 'modifier') return inFrontOf(plan.where as AnswerEvent['type'], eventOf(plan));
        const flush: EventRewriter['flush'] = async (emit) => {
          await turn();
          emit(eventOf(plan));
        };
        return { modify: (event, emit) => emit(event), ...(plan.who === 'flush' && { flush }) };
      }),
      processor('answers', () => ({
        processRequest(_request, output) {
          const plan = current();
          const event = eventOf(plan);
          const answers = { alone: [event], first: [event, ...early], last: [...early, event] };
          if (plan.who === 'processor') output.answer(answers[plan.where as keyof typeof answers]);
          return undefined;
        },
      })),
      backendThatAdds(() => (current().who === 'backend' ? [eventOf(current())] : [])),
    ];
  }

  it.each(forms)('fails the run, whoever it is: %s', async (form) => {
    let plan: Plan = { who: 'modifier', where: '', what: '' };
    const components = endingComponents(() => plan);
    const stage = await openReview({ components, modifiers: [step('ends')], processors: [step('answers')] });
    for (plan of plans) {
      const client = await stage.ask(form);
      const { end, code } = await seenBy(client, form);
      const isKnown = code === 'MODIFIER_FAILED' || code === 'EVENT_ORDER';
      expect({ plan, end, isKnown }).toEqual({ plan, end: 'error', isKnown: true });
      expect(client.received.toString('utf8')).not.toMatch(
        /\[DONE\]|"outcome":"(ok|truncated|blocked|aborted-by-client)"|MINE/,
      );
      expect(await lastRecordOf(stage)).toMatchObject({ outcome: 'error', code });
    }
    expect(stage.ended().length).toBe(plans.length);
  });
});

/** The product's backend, with more events behind each finish. */
function backendThatAdds(more: () => readonly AnswerEvent[]): AnyComponent {
  const withMore = (events: readonly AnswerEvent[]): readonly AnswerEvent[] =>
    events.flatMap((one) => (one.type === 'finish' ? [one, ...more()] : [one]));
  return defineBackend({
    ...openaiChatBackend,
    create(config, capabilities) {
      const backend = openaiChatBackend.create(config, capabilities);
      return {
        ...backend,
        decode: (request) => decoderWith(backend.decode(request), withMore),
        decodeBody: (body, request) => withMore(backend.decodeBody(body, request)),
      };
    },
  });
}

function decoderWith(
  decoder: AnswerDecoder,
  change: (events: readonly AnswerEvent[]) => readonly AnswerEvent[],
): AnswerDecoder {
  return {
    frame: (name, data) => {
      const frame = decoder.frame(name, data);
      return { ...frame, events: change(frame.events) };
    },
    end: () => decoder.end(),
    get terminated() {
      return decoder.terminated;
    },
  };
}

describe('a step that keeps the end to itself', () => {
  const keeps = (wait: boolean): AnyComponent =>
    eventModifier('keeps', () => ({
      modify(event, emit) {
        if (event.type !== 'stream.end') emit(event);
        return wait ? turn() : undefined;
      },
    }));

  for (const wait of [false, true]) {
    it.each(forms)(`fails the run at once (waits: ${wait}): %s`, async (form) => {
      for (const upstream of [answer, answering(200, answerBody({ text: ['the plan'] }))]) {
        const stage = await openReview({ components: [keeps(wait)], modifiers: [step('keeps')], upstream });
        const seen = await seenBy(await stage.ask(form), form);
        expect([seen.end, seen.code]).toEqual(['error', 'EVENT_ORDER']);
        expect(await recordOf(stage)).toMatchObject({ outcome: 'error', code: 'EVENT_ORDER' });
        await closeStages();
      }
    });
  }
});
