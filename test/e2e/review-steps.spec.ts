import { afterEach, describe, expect, it } from '@jest/globals';
import type { AnyComponent } from '../../src/kernel/component.ts';
import type { EventRewriter } from '../../src/kernel/modifier.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { closeStages } from '../faults/stage.ts';
import { documents, forms, seenBy, streams } from '../faults/seen.ts';
import { answerBody, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { answering, streaming, type Step } from '../support/scenario.ts';
import { turn } from '../support/turn.ts';
import { eventModifier, processor } from './review-components.ts';
import { answer, lastRecordOf, openReview, recordOf, step } from './review-stage.ts';

afterEach(closeStages);

const fails = (reason: string) => (): never => {
  throw new Error(reason);
};

describe('a terminator with what comes behind it', () => {
  const whole = [roleFrame(), textFrame('the '), textFrame('plan'), textFrame('.'), finishFrame(), doneFrame].join('');
  const late = [textFrame('late'), textFrame('later'), finishFrame('length'), doneFrame].join('');

  it.each(forms)('is the end, also where the connection breaks in the same moment: %s', async (form) => {
    for (const end of ['rst', 'destroy', 'fin'] as const) {
      const stage = await openReview({ components: [], upstream: streaming([whole], [end]) });
      expect(await seenBy(await stage.ask(form), form)).toMatchObject({
        end: 'ok',
        text: 'the plan.',
        code: undefined,
      });
      expect(await recordOf(stage)).toMatchObject({ outcome: 'ok' });
      await closeStages();
    }
  });

  it.each(forms)('lets nothing of it out: %s', async (form) => {
    const stage = await openReview({
      components: [],
      upstream: streaming([whole + late]),
      modifiers: [{ type: 'mask-words', config: { words: ['secret'] } }],
    });
    const client = await stage.ask(form);
    expect(await seenBy(client, form)).toMatchObject({ end: 'ok', text: 'the plan.', finishReason: 'stop' });
    expect(client.received.toString('utf8')).not.toContain('late');
  });
});

describe('a modifier that may be left out', () => {
  type Modify = EventRewriter['modify'];
  const broken = new Error('broken');
  const at =
    (type: AnswerEvent['type'], fail: Modify): Modify =>
    (event, emit, run) =>
      event.type === type ? fail(event, emit, run) : emit(event);
  const throws: Modify = (event, emit) => {
    emit(event);
    throw broken;
  };
  const rejects: Modify = async (event, emit) => {
    emit(event);
    await turn();
    throw broken;
  };

  it.each(forms)('neither doubles nor loses anything, wherever it fails: %s', async (form) => {
    let modify = throws;
    const breaks = eventModifier('breaks', () => ({ modify: (event, emit, run) => modify(event, emit, run) }));
    const stage = await openReview({ components: [breaks], modifiers: [step('breaks', 'skip')] });
    let skipped = 0;
    for (const [how, fail] of Object.entries({ throws, rejects })) {
      for (const type of ['block.start', 'text.delta', 'block.end', 'finish', 'stream.end'] as const) {
        modify = at(type, fail);
        skipped += 1;
        const seen = await seenBy(await stage.ask(form), form);
        expect([how, type, seen]).toEqual([
          how,
          type,
          expect.objectContaining({ end: 'ok', text: 'the plan', finishReason: 'stop' }),
        ]);
        expect(await lastRecordOf(stage)).toMatchObject({ outcome: 'ok' });
        expect(stage.sluice.metric('modifiers_skipped')).toBe(skipped);
      }
    }
  });

  it.each(forms)('may also fail to open: %s', async (form) => {
    const unopened = eventModifier('unopened', fails('not today'));
    const stage = await openReview({ components: [unopened], modifiers: [step('unopened', 'skip')] });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'ok', text: 'the plan' });
  });

  it.each(forms)('is named where it may not: %s', async (form) => {
    const unopened = eventModifier('unopened', fails('not today'));
    const stage = await openReview({ components: [unopened], modifiers: [step('unopened')] });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'error', code: 'MODIFIER_FAILED' });
    expect(await recordOf(stage)).toMatchObject({ modifier: 'unopened', cause: 'Error: not today' });
  });

  it.each(forms)('is not taken for one that waits where it gives back something else: %s', async (form) => {
    const says = eventModifier('says', () => ({
      modify: (event, emit) => {
        emit(event);
        return true as unknown as undefined;
      },
    }));
    const stage = await openReview({ components: [says], modifiers: [step('says')] });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'ok', text: 'the plan' });
  });
});

describe('the form that a client asked for', () => {
  const changes = (stream: boolean): AnyComponent =>
    processor('changes', () => ({ processRequest: (request) => ({ ...request, stream }) }));
  const asAsked = ({ bodyText }: { readonly bodyText: string }): readonly Step[] =>
    (JSON.parse(bodyText) as { stream?: boolean }).stream === true
      ? answer
      : answering(200, answerBody({ text: ['the plan'] }));

  it.each(streams)('is a stream, though a processor asks for a document: %s', async (form) => {
    const stage = await openReview({ components: [changes(false)], processors: [step('changes')], upstream: asAsked });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({
      type: 'stream',
      end: 'ok',
      text: 'the plan',
      finishReason: 'stop',
    });
    expect((await stage.upstream.nextRequest()).bodyText).not.toContain('"stream":true');
  });

  it.each(documents)('is a document, though a processor asks for a stream: %s', async (form) => {
    const stage = await openReview({ components: [changes(true)], processors: [step('changes')], upstream: asAsked });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({
      type: 'document',
      end: 'ok',
      text: 'the plan',
      finishReason: 'stop',
    });
    expect((await stage.upstream.nextRequest()).bodyText).toContain('"stream":true');
  });

  it.each(forms)('stays when the provider fails: %s', async (form) => {
    const stage = await openReview({
      components: [changes(!form.endsWith('stream'))],
      processors: [step('changes')],
      upstream: answering(429, { error: { message: 'slowly' } }),
    });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 429, end: 'error' });
  });
});

describe('the proof of a reasoning', () => {
  const proof = 'opaque-proof-77';
  const detail = (text: string, more: object = {}): object => ({
    type: 'reasoning.text',
    format: 'anthropic-claude-v1',
    index: 0,
    text,
    ...more,
  });
  const thinking = (text: string, more: object = {}): string =>
    `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content: '', reasoning: text, reasoning_details: [detail(text, more)] }, finish_reason: null }] })}\n\n`;
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
      const stage = await openReview({
        components: [],
        upstream: streaming(frames),
        modifiers: [{ type: 'mask-words', config: { words: ['secret'] } }],
      });
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
    const frames = [
      roleFrame(),
      textFrame('one'),
      roleFrame(second),
      textFrame('two', second),
      finishFrame('stop'),
      finishFrame('stop', second),
      doneFrame,
    ];
    const modifiers = how === 'waits' ? [step('waits')] : [step('waits'), { type: 'waits', config: {} }];
    const stage = await openReview({ components: [waits], upstream: streaming([frames.join('')]), modifiers });
    const client = await stage.ask('openai stream', {
      body: { n: 2, stream: true, messages: [{ role: 'user', content: 'hi' }] },
    });
    expect(await seenBy(client, 'openai stream')).toMatchObject({ end: 'ok', text: 'one' });
    const received = (await client.response()).text;
    expect(new Set(received.match(/"id":"[^"]*"/g))).toEqual(new Set(['"id":"chatcmpl-1"']));
    const deltas = [...received.matchAll(/"index":(\d),"delta":(\{[^}]*\})/g)].map(([, index, delta]) => [
      index,
      JSON.parse(delta ?? '') as object,
    ]);
    for (const index of ['0', '1']) {
      const own = deltas.filter(([of]) => of === index).map(([, delta]) => delta as { readonly role?: string });
      expect(own[0]).toMatchObject({ role: 'assistant' });
      expect(own.filter((delta) => delta.role !== undefined).length).toBe(1);
    }
  });
});
