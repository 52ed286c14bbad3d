import { afterEach, describe, expect, it } from '@jest/globals';
import {
  commentFrame,
  doneFrame,
  errorFrame,
  finishFrame,
  roleFrame,
  textFrame,
  usageFrame,
} from '../support/openai-stream.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { streaming, type Step } from '../support/scenario.ts';
import { row } from './catalogue.ts';
import { playFaults, runCounts, type FaultCase } from './fault-case.ts';
import { forms, seenBy, streams } from './seen.ts';
import { closeStages, openStage, promptCanary } from './stage.ts';

afterEach(closeStages);

const begun = [roleFrame(), textFrame('Hel'), textFrame('lo')];
const rest = [finishFrame(), doneFrame];
const good = streaming([...begun, ...rest]);

describe(row('truncated-json'), () => {
  const broken = [
    '{"id":"x","choices":[{"delta":{"content":"lo',
    '{"choices"',
    '[1',
    'null',
    '42',
    '"text"',
    '{} {}',
    '{"choices":42}',
    '{"choices":[7]}',
    `{"a":${'['.repeat(200)}${']'.repeat(200)}}`,
  ];
  const frame = (data: string): string => `data: ${data}\n\n`;
  playFaults(
    broken.flatMap((data): FaultCase[] => [
      {
        name: `in the middle: ${data.slice(0, 20)}`,
        stage: { upstream: streaming([...begun, frame(data), ...rest]) },
        forms: streams,
        code: 'UPSTREAM_BAD_FRAME',
        text: 'Hello',
      },
      {
        name: `at the beginning: ${data.slice(0, 20)}`,
        stage: { upstream: streaming([frame(data), ...rest]) },
        code: 'UPSTREAM_BAD_FRAME',
        status: 502,
      },
    ]),
  );

  it.each(streams)('never shows the bytes of the bad event (%s)', async (form) => {
    const stage = await openStage({
      upstream: streaming([...begun, 'data: {"choices":[{"delta":{"content":"half a secret"\n\n', ...rest]),
    });
    const client = await stage.ask(form);
    await client.end();
    expect(client.received.includes('half a')).toBe(false);
    expect(stage.sluice.log.text()).not.toContain('half a');
  });
});

describe(row('invalid-utf8'), () => {
  const invalid = Buffer.concat([Buffer.from('ab'), Buffer.from([0xff, 0xc3, 0x28, 0xe4, 0xbd]), Buffer.from('cd')]);
  const expected = new TextDecoder().decode(invalid);
  const bytes = Buffer.concat([
    Buffer.from(begun.join('')),
    ...[0, 1].flatMap(() => {
      const [before = '', after = ''] = textFrame('PLACE').split('PLACE');
      return [Buffer.from(before), invalid, Buffer.from(after)];
    }),
    Buffer.from(rest.join('')),
  ]);
  const upstream = (slice?: number): readonly Step[] => [
    { status: 200, headers: { 'content-type': 'text/event-stream' } },
    { write: { base64: bytes.toString('base64'), ...(slice !== undefined && { slice }) } },
  ];
  playFaults([
    {
      name: 'becomes U+FFFD, and the stream goes on',
      stage: { upstream: upstream() },
      text: `Hello${expected}${expected}`,
    },
    {
      name: 'becomes the same in packets of one byte',
      stage: { upstream: upstream(1) },
      text: `Hello${expected}${expected}`,
    },
    {
      name: 'becomes the same behind a mask',
      stage: { upstream: upstream(), definition: { modifiers: [{ type: 'mask-words', config: { words: ['zzz'] } }] } },
      text: `Hello${expected}${expected}`,
    },
    {
      name: 'in a document',
      stage: {
        upstream: [
          { status: 200, headers: { 'content-type': 'application/json' } },
          {
            write: {
              base64: Buffer.concat([
                Buffer.from('{"choices":[{"index":0,"message":{"role":"assistant","content":"'),
                invalid,
                Buffer.from('"},"finish_reason":"stop"}]}'),
              ]).toString('base64'),
            },
          },
        ],
      },
      text: expected,
    },
  ]);
});

describe(row('huge-line'), () => {
  const line = 'a'.repeat(64 * 1_024);
  const upstream = [
    ...streaming(begun, []),
    { write: { text: 'data: {"choices":[{"delta":{"content":"' } },
    ...Array.from({ length: 160 }, (): Step => ({ write: { text: line } })),
    { write: { text: '"}}]}\n\n' } },
    ...rest.map((text): Step => ({ write: { text } })),
  ] as const;
  const first = upstream.filter((_step, index) => index < 1 || index > begun.length);
  playFaults([
    {
      name: 'of 10 MB behind content',
      stage: { upstream, limits: { maxAnswerBytes: 67_108_864 } },
      code: 'FRAME_TOO_LARGE',
      status: 502,
      text: 'Hello',
    },
    { name: 'of 10 MB before content', stage: { upstream: first }, code: 'FRAME_TOO_LARGE', status: 502 },
    {
      name: 'of 10 MB with the size of the definition',
      stage: { upstream, limits: { maxFrameBytes: 16_777_216, maxAnswerBytes: 67_108_864 } },
      text: `Hello${line.repeat(160)}`,
    },
    {
      name: 'of many short lines of one event',
      stage: { upstream: streaming([...begun, 'data: x\n'.repeat(200_000)]) },
      forms: streams,
      code: 'FRAME_TOO_LARGE',
      text: 'Hello',
    },
  ]);

  it.each(streams)('leaves other streams alone, and the connection is closed (%s)', async (form) => {
    const held = streaming(
      [roleFrame(), textFrame('Hel')],
      [{ wait: 'rest' }, { write: { text: [textFrame('lo'), ...rest].join('') } }],
    );
    const stage = await openStage({ upstream: [held, upstream] });
    const running = await stage.ask(form);
    await running.until('Hel"');
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ code: 'FRAME_TOO_LARGE' });
    expect(await stage.upstream.nextClose()).toMatchObject({ closedBy: 'client', aborted: true });
    stage.upstream.release('rest');
    expect(await seenBy(running, form)).toMatchObject({ end: 'ok', text: 'Hello' });
  });
});

describe(row('compressed'), () => {
  playFaults([
    {
      name: 'gzip',
      stage: {
        upstream: [
          { status: 200, headers: { 'content-type': 'text/event-stream' }, gzip: true },
          { write: { text: [...begun, ...rest].join('') } },
        ],
      },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
    {
      name: 'an encoding that is made up',
      stage: {
        upstream: [
          { status: 200, headers: { 'content-type': 'text/event-stream', 'content-encoding': 'br, gzip, gzip' } },
          { write: { text: 'x' } },
        ],
      },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
    {
      name: 'identity is none',
      stage: {
        upstream: [
          { status: 200, headers: { 'content-type': 'text/event-stream', 'content-encoding': 'Identity' } },
          { write: { text: [...begun, ...rest].join('') } },
        ],
      },
      text: 'Hello',
    },
  ]);

  it.each(forms)('is asked not to be (%s)', async (form) => {
    const stage = await openStage({ upstream: good });
    await (await stage.ask(form, { headers: { 'accept-encoding': 'gzip, br, zstd' } })).end();
    expect(stage.upstream.requests.map(({ headers }) => headers['accept-encoding'])).toEqual(['identity']);
  });
});

describe(row('after-terminator'), () => {
  const more = [doneFrame, textFrame('more'), errorFrame({ message: 'late' }), 'data: {broken\n\n'];
  playFaults([
    {
      name: 'in the same read',
      stage: { upstream: [...streaming([], []), { write: { text: [...begun, ...rest, ...more].join('') } }] },
      text: 'Hello',
    },
    { name: 'in reads of their own', stage: { upstream: streaming([...begun, ...rest, ...more]) }, text: 'Hello' },
  ]);

  it.each(forms)('is waited for 100 ms at most, then the connection is closed (%s)', async (form) => {
    const stage = await openStage({
      upstream: [...streaming([...begun, ...rest], []), { forever: { text: textFrame('more') }, every: 10 }],
    });
    const client = await stage.ask(form);
    expect(await seenBy(client, form)).toMatchObject({ end: 'ok', text: 'Hello' });
    await stage.clock.advance(200);
    expect(await stage.upstream.nextClose()).toMatchObject({ closedBy: 'client' });
    expect(runCounts(stage)).toEqual({ runs_ok: 1 });
  });

  it.each(streams)('lets the connection be used again where the provider ends in time (%s)', async (form) => {
    const stage = await openStage({ upstream: streaming([...begun, ...rest, ...more]) });
    await (await stage.ask(form)).end();
    await (await stage.ask(form)).end();
    expect(stage.upstream.requests.map(({ reused }) => reused)).toEqual([false, true]);
  });
});

describe(row('comments'), () => {
  const noisy = [
    commentFrame('ping'),
    'retry: 50\n\n',
    'id: 7\n\n',
    'event: ping\ndata: \n\n',
    ...begun,
    commentFrame('ping'),
    'event: vendor.note\ndata: {"note":1}\n\n',
    ...rest,
  ];

  it('goes no further than to us, but for unknown events of the same dialect', async () => {
    const stage = await openStage({ upstream: streaming(noisy) });
    const client = await stage.ask('openai stream');
    expect(await seenBy(client, 'openai stream')).toMatchObject({ end: 'ok', text: 'Hello', heartbeats: 0 });
    const { text, body } = await client.response();
    expect(text).not.toMatch(/ping|retry|^id:/m);
    expect(readOpenAiStream(body).frames.filter(({ event }) => event === 'vendor.note')).toEqual([
      { event: 'vendor.note', data: expect.stringContaining('"note":1'), id: undefined },
    ]);
  });

  it('never reaches a client of another dialect', async () => {
    const stage = await openStage({ upstream: streaming(noisy) });
    const client = await stage.ask('native stream');
    expect(await seenBy(client, 'native stream')).toMatchObject({ end: 'ok', text: 'Hello', heartbeats: 0 });
    expect((await client.response()).text).not.toMatch(/ping|retry|vendor/);
  });

  it.each(streams)('lets a stream of pings live (%s)', async (form) => {
    const upstream = [
      ...streaming([], []),
      { wait: 50_000 },
      { write: { text: commentFrame('ping') } },
      { wait: 39_000 },
      { write: { text: [...begun, ...rest].join('') } },
    ] as const;
    const stage = await openStage({ upstream });
    const client = await stage.ask(form);
    await stage.upstream.nextRequest();
    await stage.clock.advance(89_000);
    expect(await seenBy(client, form)).toMatchObject({ end: 'ok', text: 'Hello' });
  });
});

describe(row('usage-missing'), () => {
  it.each(forms)('is never made up (%s)', async (form) => {
    const stage = await openStage({ upstream: good });
    const client = await stage.ask(form);
    await client.end();
    expect((await client.response()).text).not.toMatch(/_tokens|"usage":\{|"usage","/);
    expect(Object.keys(stage.ended()[0]?.fields ?? {}).filter((name) => /tokens/i.test(name))).toEqual([]);
  });
});

describe(row('usage-late'), () => {
  const upstream = streaming([...begun, finishFrame(), usageFrame({ prompt: 11, completion: 22 }), doneFrame]);
  it.each(forms)('reaches the client and the log (%s)', async (form) => {
    const stage = await openStage({ upstream });
    const body = {
      messages: [{ role: 'user', content: promptCanary }],
      stream: form.endsWith('stream'),
      ...(form === 'openai stream' && { stream_options: { include_usage: true } }),
    };
    const client = await stage.ask(form, { body });
    expect(await seenBy(client, form)).toMatchObject({ end: 'ok', text: 'Hello', finishReason: 'stop' });
    expect((await client.response()).text).toMatch(
      form.startsWith('native') ? /"input":\{"total":11/ : /"prompt_tokens":11/,
    );
    expect(stage.ended()[0]?.fields).toMatchObject({ inputTokens: 11, outputTokens: 22 });
  });
});
