import { afterEach, describe, expect, it } from '@jest/globals';
import { openaiChatBackend } from '../../src/backends/openai-chat.ts';
import { nativeEncoder } from '../../src/encoders/native.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { defineBackend, type AnswerDecoder, type AnyComponent, type EventRewriter } from '../../src/kernel/component.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent, EventOfType } from '../../src/kernel/event.ts';
import { closeStages, openStage, type Stage } from '../faults/stage.ts';
import { documents, forms, seenBy, streams, type Form } from '../faults/seen.ts';
import { answerBody, answerFrames, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { answering, streaming, type Step } from '../support/scenario.ts';
import { turn } from '../support/turn.ts';
import { encoderWith, eventModifier, modifier, processor, registryWith } from './review-components.ts';

afterEach(closeStages);

const answer = streaming(answerFrames({ text: ['the ', 'plan'] }));
/** The client has seen the head before the rest comes. */
const inTwoParts = streaming([roleFrame(), textFrame('the ')], [{ wait: 'rest' }, { write: { text: textFrame('plan') + finishFrame() + doneFrame } }, 'end']);
const cut = (frames: readonly string[]): readonly Step[] => streaming(frames, ['rst']);
const fails = (reason: string) => (): never => {
  throw new Error(reason);
};
const step = (type: string, onError = 'fail'): object => ({ name: type, type, config: {}, onError });

interface Setting {
  readonly components: readonly AnyComponent[];
  readonly upstream?: Parameters<typeof openStage>[0] extends infer O ? (O extends { upstream?: infer U } ? U : never) : never;
  readonly modifiers?: readonly object[];
  readonly processors?: readonly object[];
}

async function open({ components, upstream = answer, modifiers = [], processors = [] }: Setting): Promise<Stage> {
  return openStage({ registry: await registryWith(...components), upstream, definition: { modifiers, processors } });
}

/** The one record of the one run, of which nothing is left. */
function recordOf(stage: Stage): Readonly<Record<string, unknown>> {
  expect(stage.ended().length).toBe(1);
  expect([stage.sluice.metric('streams_live'), stage.sluice.metric('upstream_calls_live')]).toEqual([0, 0]);
  return stage.ended()[0]?.fields ?? {};
}

/** Resolves when the client has its end, whatever that is. */
async function endOf(stage: Stage, form: Form): Promise<{ readonly how: string; readonly received: string }> {
  const client = await stage.ask(form);
  const how = await client.end();
  return { how, received: client.received.toString('utf8') };
}

const success = /\[DONE\]|"outcome":"ok"|"finish_reason":"stop"|"finishReason":"stop"/;

describe('an end in which a component throws', () => {
  const encodersWith = (part: Parameters<typeof encoderWith>[1]): readonly AnyComponent[] => [encoderWith(openaiChatEncoder, part), encoderWith(nativeEncoder, part)];

  it.each(streams)('is a reset where there is not even an error frame: %s', async (form) => {
    const stage = await open({ components: encodersWith({ fail: fails('no frame') }), upstream: cut([roleFrame(), textFrame('the ')]) });
    const { how, received } = await endOf(stage, form);
    expect([how, success.test(received)]).toEqual(['reset', false]);
    expect(recordOf(stage)).toMatchObject({ outcome: 'error', code: 'UPSTREAM_RESET' });
  });

  it.each(streams)('is an error where there is no terminator: %s', async (form) => {
    const stage = await open({ components: encodersWith({ end: fails('no end') }), upstream: inTwoParts });
    const client = await stage.ask(form);
    await client.until('the ');
    stage.upstream.release('rest');
    expect(await seenBy(client, form)).toMatchObject({ status: 200, end: 'error', code: 'INTERNAL', text: 'the plan' });
    expect(recordOf(stage)).toMatchObject({ outcome: 'error', code: 'INTERNAL' });
  });

  it.each(streams)('is a reset where there is neither: %s', async (form) => {
    const stage = await open({ components: encodersWith({ end: fails('no end'), fail: fails('no frame') }), upstream: inTwoParts });
    const client = await stage.ask(form);
    await client.until('the ');
    stage.upstream.release('rest');
    const how = await client.end();
    const received = client.received.toString('utf8');
    expect([how, received.includes('[DONE]'), received.includes('"outcome"')]).toEqual(['reset', false, false]);
    expect(recordOf(stage)).toMatchObject({ outcome: 'error' });
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
    const stage = await open({ components: [secretive], modifiers: [step('secretive')] });
    const seen = await seenBy(await stage.ask(form), form);
    expect([seen.end, seen.code]).toEqual(['error', 'MODIFIER_FAILED']);
    expect(recordOf(stage)).toMatchObject({ outcome: 'error', code: 'MODIFIER_FAILED', modifier: 'secretive' });
  });

  it.each(forms)('is recorded with its own error, though a count can not be read: %s', async (form) => {
    const stage = await open({ components: [secretive], modifiers: [step('secretive')], upstream: cut([roleFrame(), textFrame('the ')]) });
    const seen = await seenBy(await stage.ask(form), form);
    expect([seen.end, seen.code]).toEqual(['error', 'UPSTREAM_RESET']);
    expect(recordOf(stage)).toMatchObject({ outcome: 'error', code: 'UPSTREAM_RESET' });
  });

  for (const status of [42, 200, 204, 301, 999]) {
    it.each(forms)(`has a true status where a processor gives it ${status}: %s`, async (form) => {
      const blocks = processor('blocks', () => ({
        processRequest: () => {
          throw new SluiceError('REQUEST_BLOCKED', { status, details: { rule: 'mine' } });
        },
      }));
      const stage = await open({ components: [blocks], processors: [step('blocks')] });
      const client = await stage.ask(form);
      expect(await seenBy(client, form)).toMatchObject({ status: 400, end: 'error' });
      expect(recordOf(stage)).toMatchObject({ outcome: 'error', code: 'REQUEST_BLOCKED' });
      // The connection is as good as before.
      await client.send({ path: '/readyz' });
      expect((await client.response(1)).status).toBe(200);
    });
  }
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

  for (const [what, event] of Object.entries(foreignEnds)) {
    it.each(forms)(`fails the run, as a modifier with ${what}: %s`, async (form) => {
      for (const place of places) {
        const stage = await open({ components: [eventModifier('ends', () => inFrontOf(place, event))], modifiers: [step('ends')] });
        await expectFailure(stage, form);
        await closeStages();
      }
    });

    it.each(forms)(`fails the run, as a modifier that waits and flushes ${what}: %s`, async (form) => {
      const ends = eventModifier('ends', () => ({
        modify: (current, emit) => emit(current),
        flush: async (emit) => {
          await turn();
          emit(event);
        },
      }));
      await expectFailure(await open({ components: [ends], modifiers: [step('ends')] }), form);
    });

    it.each(forms)(`fails the run, as a processor that answers with ${what}: %s`, async (form) => {
      const answers = (events: readonly AnswerEvent[]): AnyComponent =>
        processor('answers', () => ({
          processRequest(_request, output) {
            output.answer(events);
            return undefined;
          },
        }));
      for (const events of [[event], [event, ...early], [...early, event]]) {
        await expectFailure(await open({ components: [answers(events)], processors: [step('answers')] }), form);
        await closeStages();
      }
    });

    it.each(forms)(`fails the run, as a backend with ${what}: %s`, async (form) => {
      await expectFailure(await open({ components: [backendThatAdds(event)] }), form);
    });
  }

  async function expectFailure(stage: Stage, form: Form): Promise<void> {
    const client = await stage.ask(form);
    const seen = await seenBy(client, form);
    expect(seen.end).toBe('error');
    expect(['MODIFIER_FAILED', 'EVENT_ORDER']).toContain(seen.code);
    expect(client.received.toString('utf8')).not.toMatch(/\[DONE\]|"outcome":"(ok|truncated|blocked|aborted-by-client)"|MINE/);
    const { outcome, code } = recordOf(stage);
    expect([outcome, code]).toEqual(['error', seen.code]);
  }
});

/** The product's backend, with one more event behind each finish. */
function backendThatAdds(event: AnswerEvent): AnyComponent {
  const withMore = (events: readonly AnswerEvent[]): readonly AnswerEvent[] => events.flatMap((one) => (one.type === 'finish' ? [one, event] : [one]));
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

function decoderWith(decoder: AnswerDecoder, change: (events: readonly AnswerEvent[]) => readonly AnswerEvent[]): AnswerDecoder {
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
        const stage = await open({ components: [keeps(wait)], modifiers: [step('keeps')], upstream });
        const seen = await seenBy(await stage.ask(form), form);
        expect([seen.end, seen.code]).toEqual(['error', 'EVENT_ORDER']);
        expect(recordOf(stage)).toMatchObject({ outcome: 'error', code: 'EVENT_ORDER' });
        await closeStages();
      }
    });
  }
});

describe('a terminator with what comes behind it', () => {
  const whole = [roleFrame(), textFrame('the '), textFrame('plan'), textFrame('.'), finishFrame(), doneFrame].join('');
  const late = [textFrame('late'), textFrame('later'), finishFrame('length'), doneFrame].join('');

  it.each(forms)('is the end, also where the connection breaks in the same moment: %s', async (form) => {
    for (const end of ['rst', 'destroy', 'fin'] as const) {
      const stage = await open({ components: [], upstream: streaming([whole], [end]) });
      expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'ok', text: 'the plan.', code: undefined });
      expect(recordOf(stage)).toMatchObject({ outcome: 'ok' });
      await closeStages();
    }
  });

  it.each(forms)('lets nothing of it out: %s', async (form) => {
    const stage = await open({ components: [], upstream: streaming([whole + late]), modifiers: [{ type: 'mask-words', config: { words: ['secret'] } }] });
    const client = await stage.ask(form);
    expect(await seenBy(client, form)).toMatchObject({ end: 'ok', text: 'the plan.', finishReason: 'stop' });
    expect(client.received.toString('utf8')).not.toContain('late');
  });
});

describe('a modifier that may be left out', () => {
  type Modify = EventRewriter['modify'];
  const broken = new Error('broken');
  const at = (type: AnswerEvent['type'], fail: Modify): Modify => (event, emit, run) => (event.type === type ? fail(event, emit, run) : emit(event));
  const throws: Modify = (event, emit) => {
    emit(event);
    throw broken;
  };
  const rejects: Modify = async (event, emit) => {
    emit(event);
    await turn();
    throw broken;
  };

  for (const [how, fail] of [['throws', throws], ['rejects', rejects]] as const) {
    for (const type of ['block.start', 'text.delta', 'block.end', 'finish', 'stream.end'] as const) {
      it.each(forms)(`neither doubles nor loses anything when it ${how} at ${type}: %s`, async (form) => {
        const stage = await open({ components: [eventModifier('breaks', () => ({ modify: at(type, fail) }))], modifiers: [step('breaks', 'skip')] });
        expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'ok', text: 'the plan', finishReason: 'stop' });
        expect(recordOf(stage)).toMatchObject({ outcome: 'ok' });
        expect(stage.sluice.metric('modifiers_skipped')).toBe(1);
      });
    }
  }

  it.each(forms)('may also fail to open: %s', async (form) => {
    const unopened = eventModifier('unopened', fails('not today'));
    const stage = await open({ components: [unopened], modifiers: [step('unopened', 'skip')] });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'ok', text: 'the plan' });
  });

  it.each(forms)('is named where it may not: %s', async (form) => {
    const unopened = eventModifier('unopened', fails('not today'));
    const stage = await open({ components: [unopened], modifiers: [step('unopened')] });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'error', code: 'MODIFIER_FAILED' });
    expect(recordOf(stage)).toMatchObject({ modifier: 'unopened', cause: 'Error: not today' });
  });

  it.each(forms)('is not taken for one that waits where it gives back something else: %s', async (form) => {
    const says = eventModifier('says', () => ({
      modify: (event, emit) => {
        emit(event);
        return true as unknown as undefined;
      },
    }));
    const stage = await open({ components: [says], modifiers: [step('says')] });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'ok', text: 'the plan' });
  });
});

describe('the form that a client asked for', () => {
  const changes = (stream: boolean): AnyComponent => processor('changes', () => ({ processRequest: (request) => ({ ...request, stream }) }));
  const asAsked = ({ bodyText }: { readonly bodyText: string }): readonly Step[] =>
    (JSON.parse(bodyText) as { stream?: boolean }).stream === true ? answer : answering(200, answerBody({ text: ['the plan'] }));

  it.each(streams)('is a stream, though a processor asks for a document: %s', async (form) => {
    const stage = await open({ components: [changes(false)], processors: [step('changes')], upstream: asAsked });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ type: 'stream', end: 'ok', text: 'the plan', finishReason: 'stop' });
    expect((await stage.upstream.nextRequest()).bodyText).not.toContain('"stream":true');
  });

  it.each(documents)('is a document, though a processor asks for a stream: %s', async (form) => {
    const stage = await open({ components: [changes(true)], processors: [step('changes')], upstream: asAsked });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ type: 'document', end: 'ok', text: 'the plan', finishReason: 'stop' });
    expect((await stage.upstream.nextRequest()).bodyText).toContain('"stream":true');
  });

  it.each(forms)('stays when the provider fails: %s', async (form) => {
    const stage = await open({ components: [changes(!form.endsWith('stream'))], processors: [step('changes')], upstream: answering(429, { error: { message: 'slowly' } }) });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 429, end: 'error' });
  });
});

describe('the proof of a reasoning', () => {
  const proof = 'opaque-proof-77';
  const detail = (text: string, more: object = {}): object => ({ type: 'reasoning.text', format: 'anthropic-claude-v1', index: 0, text, ...more });
  const thinking = (text: string, more: object = {}): string => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content: '', reasoning: text, reasoning_details: [detail(text, more)] }, finish_reason: null }] })}\n\n`;
  const rest = [textFrame('hello', { id: 'c', model: 'm' }), finishFrame('stop', { id: 'c', model: 'm' }), doneFrame];
  const opening = roleFrame({ id: 'c', model: 'm' });

  for (const [what, pieces, leaves] of [
    ['leaves with a text that was only held', ['a sec', 'ond thought'], true],
    ['leaves with a text that is held to its end', ['a thought, sec'], true],
    ['leaves with a text that nobody touched', ['all is ', 'well'], true],
    ['stays behind with a text that was changed', ['the sec', 'ret plan'], false],
    ['stays behind with a text that was changed first', ['secret', ' or not'], false],
  ] as const) {
    it.each(streams)(`${what}: %s`, async (form) => {
      const frames = [opening, ...pieces.map((piece) => thinking(piece)), thinking('', { signature: proof }), ...rest];
      const stage = await open({ components: [], upstream: streaming(frames), modifiers: [{ type: 'mask-words', config: { words: ['secret'] } }] });
      const client = await stage.ask(form);
      expect(await seenBy(client, form)).toMatchObject({ end: 'ok' });
      const received = client.received.toString('utf8');
      expect([received.split(proof).length - 1, received.includes('secret')]).toEqual([leaves ? 1 : 0, false]);
    });
  }
});

describe('two choices, one of which opens with its role', () => {
  it.each(['waits', 'waits twice'])('have one id and keep their order behind a step that %s', async (how) => {
    const waits = eventModifier('waits', () => ({
      async modify(event: AnswerEvent, emit: (event: AnswerEvent) => void) {
        await turn();
        emit(event);
      },
    }));
    const second = { choice: 1 };
    const frames = [roleFrame(), textFrame('one'), roleFrame(second), textFrame('two', second), finishFrame('stop'), finishFrame('stop', second), doneFrame];
    const modifiers = how === 'waits' ? [step('waits')] : [step('waits'), { type: 'waits', config: {} }];
    const stage = await open({ components: [waits], upstream: streaming([frames.join('')]), modifiers });
    const client = await stage.ask('openai stream', { body: { n: 2, stream: true, messages: [{ role: 'user', content: 'hi' }] } });
    expect(await seenBy(client, 'openai stream')).toMatchObject({ end: 'ok', text: 'one' });
    const received = (await client.response()).text;
    expect(new Set(received.match(/"id":"[^"]*"/g))).toEqual(new Set(['"id":"chatcmpl-1"']));
    const deltas = [...received.matchAll(/"index":(\d),"delta":(\{[^}]*\})/g)].map(([, index, delta]) => [index, JSON.parse(delta ?? '') as object]);
    for (const index of ['0', '1']) {
      const own = deltas.filter(([of]) => of === index).map(([, delta]) => delta as EventOfType<'block.start'>);
      expect(own[0]).toMatchObject({ role: 'assistant' });
      expect(own.filter((delta) => delta.role !== undefined).length).toBe(1);
    }
  });
});
