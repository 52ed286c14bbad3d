import { describe, expect, it } from '@jest/globals';
import {
  answerFrames,
  errorBody,
  errorFrame,
  finishFrame,
  doneFrame,
  roleFrame,
  textFrame,
} from '../support/openai-stream.ts';
import { answering, streaming, type Step } from '../support/scenario.ts';
import { eventually } from '../support/turn.ts';
import { row } from './catalogue.ts';
import { runCounts } from './fault-case.ts';
import { forms, seenBy, streams } from './seen.ts';
import { useTokenStages, hello, openTokenStage } from './token-stage.ts';

useTokenStages();

const good = { status: 200, end: 'ok', text: 'Hello' };
const refused = answering(401, errorBody({ message: 'the token is not valid' }));

describe(row('refresh-credential'), () => {
  const ages = [0, 500, 2_000] as const;
  it.each(forms.flatMap((form) => ages.map((age) => [form, age] as const)))(
    'renews it once, unseen (%s, %i ms old)',
    async (form, age) => {
      const stage = await openTokenStage();
      expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
      stage.revoke();
      await stage.clock.advance(age);
      const client = await stage.ask(form);
      expect(await seenBy(client, form)).toMatchObject(good);
      expect((await client.response()).headers['x-sluice-attempts']).toBe('2');
      expect(stage.upstream.requests.map(({ headers }) => headers['authorization'])).toEqual([
        'Bearer token-1',
        'Bearer token-1',
        'Bearer token-2',
      ]);
      expect(stage.tokens.requests).toHaveLength(2);
      expect(stage.sluice.metric('credential_retries')).toBe(1);
      expect(stage.ended().map(({ fields }) => [fields['outcome'], fields['attempts']])).toEqual([
        ['ok', undefined],
        ['ok', 2],
      ]);
    },
  );

  it.each(forms)(
    'is the failure of the gateway where the new one is refused too, after two attempts (%s)',
    async (form) => {
      const stage = await openTokenStage({ provider: () => refused });
      const seen = await seenBy(await stage.ask(form), form);
      expect(seen).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH' });
      expect([stage.upstream.requests.length, stage.tokens.requests.length]).toEqual([2, 2]);
      // What came in the place of a refused token is not exchanged at once for another one that is refused as well.
      expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH' });
      expect([stage.upstream.requests.length, stage.tokens.requests.length]).toEqual([3, 2]);
      await stage.clock.advance(2_000);
      expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH' });
      expect([stage.upstream.requests.length, stage.tokens.requests.length]).toEqual([5, 3]);
      expect(stage.ended().at(-1)?.fields).toMatchObject({
        code: 'UPSTREAM_AUTH',
        tokenProvider: 'login',
        attempts: 2,
      });
    },
  );

  it.each([0, 50])('asks for no token after the other where all are refused (a wave each %i ms)', async (pause) => {
    let isUp = false;
    const stage = await openTokenStage({ provider: (request) => (isUp ? hello(request) : refused) });
    for (let wave = 0; wave < 20; wave += 1) {
      const clients = await Promise.all(Array.from({ length: 50 }, () => stage.ask('openai document')));
      for (const client of clients)
        expect(await seenBy(client, 'openai document')).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH' });
      if (wave < 19) await stage.clock.advance(pause);
    }
    // All of it is less than a second.
    expect(stage.tokens.requests).toHaveLength(2);
    for (let second = 1; second <= 3; second += 1) {
      await stage.clock.advance(1_000);
      await seenBy(await stage.ask('openai document'), 'openai document');
      expect(stage.tokens.requests).toHaveLength(2 + second);
    }
    isUp = true;
    expect(await seenBy(await stage.ask('openai document'), 'openai document')).toMatchObject(good);
  });

  it.each(forms)('gives up with the refusal where no new one can be had (%s)', async (form) => {
    const stage = await openTokenStage();
    expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
    stage.revoke();
    stage.tokens.answer({ status: 503 });
    await stage.clock.advance(2_000);
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH' });
    expect(stage.sluice.log.messages('warn')).toContain('a token provider fails');
    // The next run knows that there is none.
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 503, code: 'TOKEN_UNAVAILABLE' });
    expect(stage.upstream.requests).toHaveLength(2);
  });

  it.each(forms)('is not the case for a status of 403, which is about the request (%s)', async (form) => {
    const stage = await openTokenStage({ provider: () => answering(403, errorBody({ message: 'not this model' })) });
    await seenBy(await stage.ask(form), form);
    await stage.clock.advance(2_000);
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH' });
    expect([stage.upstream.requests.length, stage.tokens.requests.length]).toEqual([2, 1]);
  });

  it.each(forms)('is renewed, unseen, where the refusal is the first event of an answer (%s)', async (form) => {
    const told = streaming([roleFrame(), errorFrame({ message: 'expired', code: 'invalid_api_key' })]);
    const stage = await openTokenStage({ provider: (request, isGood) => (isGood ? hello(request) : told) });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
    stage.revoke();
    await stage.clock.advance(2_000);
    const client = await stage.ask(form);
    expect(await seenBy(client, form)).toMatchObject(good);
    expect((await client.response()).headers['x-sluice-attempts']).toBe('2');
    expect([stage.upstream.requests.length, stage.tokens.requests.length]).toEqual([3, 2]);
    expect(stage.ended().at(-1)?.fields).toMatchObject({ outcome: 'ok', attempts: 2 });
  });

  it.each(forms)('is renewed, unseen, where the refusal is a document with a status of 200 (%s)', async (form) => {
    const told = answering(200, errorBody({ message: 'expired', code: 'invalid_api_key' }));
    const stage = await openTokenStage({ provider: (request, isGood) => (isGood ? hello(request) : told) });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
    stage.revoke();
    await stage.clock.advance(2_000);
    expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
    expect([stage.upstream.requests.length, stage.tokens.requests.length]).toEqual([3, 2]);
  });

  it.each(streams)('does not begin again behind the first content (%s)', async (form) => {
    const late = streaming([
      roleFrame(),
      textFrame('Hel'),
      errorFrame({ message: 'expired', code: 'invalid_api_key' }),
    ]);
    const stage = await openTokenStage({ provider: () => late });
    const seen = await seenBy(await stage.ask(form), form);
    expect(seen).toMatchObject({ status: 200, end: 'error', text: 'Hel' });
    expect([stage.upstream.requests.length, stage.tokens.requests.length]).toEqual([1, 1]);
    // The next run does not send it any more.
    await stage.clock.advance(2_000);
    await seenBy(await stage.ask(form), form);
    expect(stage.tokens.requests.length).toBeGreaterThan(1);
  });

  it.each(streams)('is renewed behind the head of the client too, as long as it has no content (%s)', async (form) => {
    const stage = await openTokenStage({
      provider: (request, isGood) => (isGood ? hello(request) : [{ wait: 'refusal' }, ...refused]),
    });
    await seenBy(await stage.ask(form), form);
    stage.revoke();
    const client = await stage.ask(form);
    await stage.upstream.reached('refusal');
    await stage.clock.advance(12_000);
    await client.until(': hb');
    stage.upstream.release('refusal');
    expect(await seenBy(client, form)).toMatchObject({ ...good, heartbeats: 1 });
  });

  it.each(streams)('leaves the streams alone that run on the old one (%s)', async (form) => {
    const held: readonly Step[] = [
      { wait: 'rest' },
      { write: { text: [textFrame('lo'), finishFrame(), doneFrame].join('') } },
    ];
    const stage = await openTokenStage({
      provider: ({ index }, isGood) => {
        if (index === 0) return streaming([roleFrame(), textFrame('Hel')], held);
        return isGood ? streaming(answerFrames({ text: ['Hello'] })) : refused;
      },
    });
    const running = await stage.ask(form);
    await running.until('Hel');
    stage.revoke();
    await stage.clock.advance(2_000);
    expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
    stage.upstream.release('rest');
    expect(await seenBy(running, form)).toMatchObject(good);
    expect(runCounts(stage)).toEqual({ runs_ok: 2 });
  });

  it.each(forms)('ends with the client that leaves while the new one is fetched (%s)', async (form) => {
    const stage = await openTokenStage();
    await seenBy(await stage.ask(form), form);
    stage.revoke();
    await stage.clock.advance(2_000);
    stage.tokens.answer({ fault: 'frozen' });
    const client = await stage.ask(form);
    await eventually(() => stage.tokens.requests.length === 2, 'the request for a new token');
    client.destroy();
    await eventually(() => stage.sluice.metric('streams_live') === 0, 'the end of the run');
    expect(stage.upstream.requests).toHaveLength(2);
    await stage.clock.advance(5_000);
    expect(runCounts(stage)).toEqual({ runs_ok: 1, runs_client_gone: 1 });
  });
});
