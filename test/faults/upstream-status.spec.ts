import { afterEach, describe, expect, it } from '@jest/globals';
import { doneFrame, errorBody, errorFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { answering, streaming, type Step } from '../support/scenario.ts';
import { row } from './catalogue.ts';
import { playFaults, runCounts, type FaultCase } from './fault-case.ts';
import { forms, seenBy, streams } from './seen.ts';
import { afterSeconds, closeStages, keyCanary, openStage } from './stage.ts';

afterEach(closeStages);

const begun = [roleFrame(), textFrame('Hel'), textFrame('lo')];
const rest = [finishFrame(), doneFrame];
const good = streaming([...begun, ...rest]);

describe(row('redirect'), () => {
  const codes = [301, 302, 303, 307, 308];
  playFaults(
    codes.map((status) => ({
      name: `${status} is no answer`,
      stage: { upstream: answering(status, '', { location: '/elsewhere', 'content-type': 'text/event-stream' }) },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    })),
  );
});

describe(row('rate-limited'), () => {
  const limited = (headers: Readonly<Record<string, string>>): readonly Step[] =>
    answering(429, errorBody({ message: 'slow', type: 'rate_limit_error' }), headers);
  // The clock of the tests begins at 2026-01-01 00:00:00 UTC.
  const cases: readonly (readonly [
    name: string,
    headers: Readonly<Record<string, string>>,
    retryAfter: string | undefined,
  ])[] = [
    ['Retry-After in seconds', { 'retry-after': '7' }, '7'],
    ['Retry-After as a date', { 'retry-after': 'Thu, 01 Jan 2026 00:00:42 GMT' }, '42'],
    ['a Retry-After of the past', { 'retry-after': 'Wed, 31 Dec 2025 23:59:00 GMT' }, '0'],
    ['retry-after-ms', { 'retry-after-ms': '1500' }, '2'],
    ['no Retry-After', {}, undefined],
    ['a Retry-After of nonsense', { 'retry-after': 'soon\tor -1' }, undefined],
  ];
  playFaults(
    cases.map(([name, headers, retryAfter]) => ({
      name,
      stage: { upstream: limited(headers) },
      code: 'UPSTREAM_RATE_LIMITED',
      status: 429,
      ...(retryAfter !== undefined && { retryAfter }),
    })),
  );
  playFaults([
    {
      name: 'after the head was committed',
      stage: { upstream: [{ wait: 12_000 }, ...limited({ 'retry-after': '7' })] },
      forms: streams,
      drive: afterSeconds(12),
      code: 'UPSTREAM_RATE_LIMITED',
      text: '',
      heartbeats: 1,
    },
  ]);
});

describe(row('refused-credential'), () => {
  playFaults(
    [401, 403].map((status) => ({
      name: `${status} is not the client's fault`,
      stage: {
        upstream: answering(status, errorBody({ message: 'Incorrect API key provided', code: 'invalid_api_key' })),
      },
      code: 'UPSTREAM_AUTH',
      status: 502,
    })),
  );

  it.each(forms)('is sent as the definition says, and never told to anybody (%s)', async (form) => {
    const echo = `Incorrect API key provided: ${keyCanary}. (Bearer ${keyCanary})`;
    const answers = [
      answering(401, errorBody({ message: echo })),
      answering(400, errorBody({ message: echo })),
      answering(500, echo, { 'content-type': 'text/plain' }),
      streaming([...begun, errorFrame({ message: echo })]),
      answering(200, errorBody({ message: echo })),
    ];
    const stage = await openStage({ upstream: answers });
    for (const [index] of answers.entries()) {
      const client = await stage.ask(form);
      expect(await seenBy(client, form)).toMatchObject({ end: 'error' });
      expect(stage.upstream.requests[index]?.headers['authorization']).toBe(`Bearer ${keyCanary}`);
    }
  });
});

describe(row('expired-mid-flight'), () => {
  it.each(streams)('leaves the stream that runs alone (%s)', async (form) => {
    const held = streaming(
      [roleFrame(), textFrame('Hel')],
      [{ wait: 'rest' }, { write: { text: [textFrame('lo'), ...rest].join('') } }],
    );
    const stage = await openStage({ upstream: [held, answering(401, errorBody({ message: 'expired' })), good] });
    const running = await stage.ask(form);
    await running.until('Hel"');
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 502, code: 'UPSTREAM_AUTH' });
    stage.upstream.release('rest');
    expect(await seenBy(running, form)).toMatchObject({ end: 'ok', text: 'Hello' });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'ok', text: 'Hello' });
    expect(runCounts(stage)).toEqual({ runs_ok: 2, runs_error: 1 });
  });
});

describe(row('server-error'), () => {
  const cases: readonly (readonly [upstream: number, code: NonNullable<FaultCase['code']>, status: number])[] = [
    [500, 'UPSTREAM_5XX', 502],
    [502, 'UPSTREAM_5XX', 502],
    [504, 'UPSTREAM_5XX', 502],
    [503, 'UPSTREAM_OVERLOADED', 503],
    [529, 'UPSTREAM_OVERLOADED', 503],
    [599, 'UPSTREAM_5XX', 502],
  ];
  playFaults(
    cases.map(([status, code, relayed]) => ({
      name: `${status}`,
      stage: { upstream: answering(status, errorBody({ message: 'x' })) },
      code,
      status: relayed,
    })),
  );
  playFaults([
    {
      name: '500 whose body is cut',
      stage: {
        upstream: [
          { status: 500, headers: { 'content-type': 'application/json' }, framing: 'length', length: 999 },
          { write: { text: '{"err' } },
          'fin',
        ],
      },
      code: 'UPSTREAM_5XX',
      status: 502,
    },
  ]);
});

describe(row('rejected'), () => {
  playFaults(
    [400, 404, 405, 409, 410, 413, 415, 422].map((status) => ({
      name: `${status} is relayed`,
      stage: { upstream: answering(status, errorBody({ message: 'the prompt is too long' })) },
      code: 'UPSTREAM_REJECTED',
      status,
    })),
  );
  playFaults(
    [402, 418, 451].map((status) => ({
      name: `${status} is the gateway's`,
      stage: { upstream: answering(status, errorBody({ message: 'pay' })) },
      code: 'UPSTREAM_ERROR',
      status: 502,
    })),
  );

  it.each(forms)('says why, in the words of the provider (%s)', async (form) => {
    const stage = await openStage({ upstream: answering(422, errorBody({ message: 'max_tokens is too large' })) });
    const client = await stage.ask(form);
    await client.end();
    expect((await client.response()).text).toContain('max_tokens is too large');
  });
});
