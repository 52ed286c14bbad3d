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
  it.each(forms)('renews it once, unseen (%s)', async (form) => {
    const stage = await openTokenStage();
    expect(await seenBy(await stage.ask(form), form)).toMatchObject(good);
    stage.revoke();
    await stage.clock.advance(2_000);
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
  });

  it.each(forms)(
    'is the failure of the gateway where the new one is refused too, after two attempts (%s)',
    async (form) => {
      const stage = await openTokenStage({ provider: () => refused });
      const seen = await seenBy(await stage.ask(form), form);
      expect(seen).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH' });
      // A token that came just now is not exchanged for another one that would be refused as well.
      expect([stage.upstream.requests.length, stage.tokens.requests.length]).toEqual([1, 1]);
      await stage.clock.advance(2_000);
      expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH' });
      expect([stage.upstream.requests.length, stage.tokens.requests.length]).toEqual([3, 2]);
      expect(stage.ended().at(-1)?.fields).toMatchObject({
        code: 'UPSTREAM_AUTH',
        tokenProvider: 'login',
        attempts: 2,
      });
    },
  );

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
