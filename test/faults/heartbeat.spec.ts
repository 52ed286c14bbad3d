import { afterEach, describe, expect, it } from '@jest/globals';
import { HeldWaits, heldComponents, registryWith } from '../e2e/held-components.ts';
import { answerFrames, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import type { ProbeClient } from '../support/probe-client.ts';
import { streaming, type Step } from '../support/scenario.ts';
import { eventually } from '../support/turn.ts';
import { row } from './catalogue.ts';
import { documents, seenBy, streams } from './seen.ts';
import { closeStages, openStage } from './stage.ts';

afterEach(closeStages);

const frames = answerFrames({ text: ['Hello'] });
const later = (...milliseconds: readonly number[]): readonly Step[] => milliseconds.map((wait) => ({ wait }));
const heartbeat = ': hb\n\n';

/** Seconds since the question at which signs of life came. */
async function heartbeatsOf(client: ProbeClient, askedAt: number): Promise<readonly number[]> {
  const { pieces } = await client.response();
  return pieces.filter(({ bytes }) => bytes.toString().includes(heartbeat)).map(({ at }) => (at - askedAt) / 1_000);
}

describe(row('heartbeat'), () => {
  const table: readonly (readonly [
    name: string,
    upstream: readonly Step[],
    options: object,
    seconds: number,
    expected: readonly number[],
  ])[] = [
    ['before any byte of the provider', [{ wait: 58_000 }, ...streaming(frames)], {}, 58, [10, 25, 40, 55]],
    [
      'before the first content',
      streaming([roleFrame()], [{ wait: 58_000 }, { write: { text: frames.slice(1).join('') } }]),
      {},
      58,
      [10, 25, 40, 55],
    ],
    [
      'between two pieces of content',
      streaming(
        [roleFrame(), textFrame('Hel')],
        [{ wait: 50_000 }, { write: { text: [textFrame('lo'), finishFrame(), doneFrame].join('') } }],
      ),
      {},
      50,
      [15, 30, 45],
    ],
    [
      'only after a silence',
      [
        ...streaming([roleFrame()], []),
        ...['H', 'el', 'lo'].flatMap((text): readonly Step[] => [
          { wait: 8_000 },
          { write: { text: textFrame(text) } },
        ]),
        { wait: 20_000 },
        { write: { text: [finishFrame(), doneFrame].join('') } },
      ],
      {},
      44,
      [39],
    ],
    [
      'as often as the definition says',
      [{ wait: 9_500 }, ...streaming(frames)],
      { output: { commitAfter: '2s', heartbeat: '3s' } },
      10,
      [2, 5, 8],
    ],
  ];

  it.each(streams.flatMap((form) => table.map((entry) => [entry[0], form, entry] as const)))(
    'comes %s (%s)',
    async (_name, form, [, upstream, options, seconds, expected]) => {
      const stage = await openStage({ upstream, ...options });
      const askedAt = stage.clock.now();
      const client = await stage.ask(form);
      await stage.upstream.nextRequest();
      await stage.clock.advance(seconds * 1_000);
      expect(await seenBy(client, form)).toMatchObject({
        status: 200,
        end: 'ok',
        text: 'Hello',
        heartbeats: expected.length,
      });
      expect(await heartbeatsOf(client, askedAt)).toEqual(expected);
    },
  );

  it('shows nothing else while there is no content (openai)', async () => {
    const stage = await openStage({
      upstream: streaming([roleFrame()], [{ wait: 'content' }, { write: { text: frames.slice(1).join('') } }]),
    });
    const client = await stage.ask('openai stream');
    await stage.upstream.reached('content');
    await stage.clock.advance(30_000);
    const response = await client.response();
    expect([response.status, response.text]).toEqual([200, heartbeat.repeat(2)]);
    stage.upstream.release('content');
    expect(await seenBy(client, 'openai stream')).toMatchObject({ end: 'ok', text: 'Hello' });
  });

  it('stands behind stream.start and before all else while there is no content (native)', async () => {
    const stage = await openStage({
      upstream: streaming([roleFrame()], [{ wait: 'content' }, { write: { text: frames.slice(1).join('') } }]),
    });
    const client = await stage.ask('native stream');
    await stage.upstream.reached('content');
    await stage.clock.advance(30_000);
    const { text } = await client.response();
    expect(text).toMatch(/^id: 1\nevent: stream\.start\ndata: \{"type":"stream\.start",[^\n]+\}\n\n(?:: hb\n\n){2}$/);
    stage.upstream.release('content');
    await client.end();
    const types = [...(await client.response()).text.matchAll(/^event: (.+)$/gm)].map(([, type]) => type);
    expect(types).toEqual([
      'stream.start',
      'response.meta',
      'block.start',
      'text.delta',
      'block.end',
      'finish',
      'stream.end',
    ]);
  });

  it.each(streams)('never stands inside an event (%s)', async (form) => {
    const whole = [roleFrame(), textFrame('Hel'), textFrame('lo'), finishFrame(), doneFrame];
    const bytes = whole.join('');
    const cut = bytes.indexOf('lo"');
    const upstream: readonly Step[] = [
      ...streaming([bytes.slice(0, cut)], later(40_000)),
      { write: { text: bytes.slice(cut) } },
    ];
    const stage = await openStage({ upstream });
    const client = await stage.ask(form);
    await client.until('Hel"');
    await stage.clock.advance(40_000);
    expect(await seenBy(client, form)).toMatchObject({ end: 'ok', text: 'Hello', heartbeats: 2 });
    for (const part of (await client.response()).text.split(heartbeat)) expect(part).toMatch(/^$|\n\n$/);
  });

  it.each(streams)('comes while a modifier holds text back, and does not let it out (%s)', async (form) => {
    const definition = { modifiers: [{ type: 'mask-words', config: { words: ['secret'] } }] };
    const stage = await openStage({
      upstream: streaming(
        [roleFrame(), textFrame('the secr')],
        [{ wait: 'rest' }, { write: { text: [textFrame('et plan'), finishFrame(), doneFrame].join('') } }],
      ),
      definition,
    });
    const client = await stage.ask(form);
    await stage.upstream.reached('rest');
    await client.until('the ');
    await stage.clock.advance(45_000);
    const response = await client.response();
    expect(response.text).not.toContain('secr');
    stage.upstream.release('rest');
    expect(await seenBy(client, form)).toMatchObject({ end: 'ok', text: 'the *** plan', heartbeats: 3 });
  });

  /** A processor that waits is shown to native clients, so their head goes out at once. */
  const held: readonly (readonly [name: string, definition: object, native: number])[] = [
    ['a processor', { processors: [{ type: 'held-processor' }] }, 1],
    [
      'a credential',
      {
        backends: {
          provider: {
            type: 'openai-chat',
            config: { baseUrl: 'http://127.0.0.1:1/v1', model: 'm' },
            network: 'private',
            token: { type: 'held-token' },
          },
        },
      },
      2,
    ],
  ];
  it.each(
    streams.flatMap((form) => held.map(([name, definition, native]) => [name, form, definition, native] as const)),
  )('comes while the run waits for %s (%s)', async (_name, form, definition, native) => {
    const waits = new HeldWaits();
    const stage = await openStage({
      registry: await registryWith(...heldComponents(waits)),
      definition,
      limits: { maxStreamDuration: '29s' },
    });
    const client = await stage.ask(form);
    await eventually(() => waits.pending === 1, 'the wait');
    await stage.clock.advance(29_000);
    expect(await seenBy(client, form)).toMatchObject({
      status: 200,
      end: 'error',
      code: 'STREAM_TOO_LONG',
      heartbeats: form === 'native stream' ? native : 2,
    });
    expect([waits.pending, stage.upstream.requests.length]).toEqual([0, 0]);
  });

  it.each(documents)('never comes to one who wants a document (%s)', async (form) => {
    const stage = await openStage({ upstream: [{ wait: 50_000 }, ...streaming(frames)] });
    const client = await stage.ask(form);
    await stage.upstream.nextRequest();
    await stage.clock.advance(49_000);
    expect(client.bytesReceived).toBe(0);
    await stage.clock.advance(1_000);
    expect(await seenBy(client, form)).toMatchObject({ status: 200, type: 'document', text: 'Hello' });
  });
});
