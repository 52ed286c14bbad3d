import { afterEach, describe, expect, it } from '@jest/globals';
import { answerBody, answerFrames, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { streaming, type Step } from '../support/scenario.ts';
import { row } from './catalogue.ts';
import { playFaults, runCounts } from './fault-case.ts';
import { documents, forms, seenBy, streams } from './seen.ts';
import { afterSeconds, closeStages, openStage } from './stage.ts';

afterEach(closeStages);

const good = streaming(answerFrames({ text: ['Hel', 'lo'] }));
const begun = [roleFrame(), textFrame('Hel'), textFrame('lo')];
const greeted = [roleFrame()];

describe(row('reset'), () => {
  playFaults([
    {
      name: 'after content, which comes first',
      stage: { upstream: streaming(begun, ['rst']) },
      code: 'UPSTREAM_RESET',
      status: 502,
      text: 'Hello',
    },
    {
      name: 'before content is a status',
      stage: { upstream: streaming(greeted, ['rst']) },
      code: 'UPSTREAM_RESET',
      status: 502,
    },
    {
      name: 'after the finish reason is still a reset',
      stage: { upstream: streaming([...begun, finishFrame()], ['rst']) },
      forms: documents,
      code: 'UPSTREAM_RESET',
      status: 502,
    },
    {
      name: 'in a document',
      stage: {
        upstream: [
          { status: 200, headers: { 'content-type': 'application/json' } },
          { write: { text: '{"choices":' } },
          'rst',
        ],
      },
      code: 'UPSTREAM_RESET',
      status: 502,
    },
  ]);
});

describe(row('cut'), () => {
  const chunk = textFrame('lost');
  playFaults([
    {
      name: 'inside a chunk',
      stage: { upstream: streaming(begun, [{ write: { text: chunk, announce: 4_096 } }, 'fin']) },
      code: 'UPSTREAM_TRUNCATED',
      status: 502,
      text: 'Hellolost',
    },
    {
      name: 'inside a chunk and an event',
      stage: { upstream: streaming(begun, [{ write: { text: chunk.slice(0, 60), announce: 4_096 } }, 'fin']) },
      code: 'UPSTREAM_TRUNCATED',
      status: 502,
      text: 'Hello',
    },
    {
      name: 'between two chunks',
      stage: { upstream: streaming(begun, ['fin']) },
      code: 'UPSTREAM_TRUNCATED',
      status: 502,
      text: 'Hello',
    },
    {
      name: 'before content is a status',
      stage: { upstream: streaming(greeted, ['fin']) },
      code: 'UPSTREAM_TRUNCATED',
      status: 502,
    },
    {
      name: 'of a document short of its length',
      stage: {
        upstream: [
          { status: 200, headers: { 'content-type': 'application/json' }, framing: 'length', length: 9_999 },
          { write: { text: JSON.stringify(answerBody({ text: ['x'] })) } },
          'fin',
        ],
      },
      code: 'UPSTREAM_TRUNCATED',
      status: 502,
    },
  ]);
});

describe(row('clean-end-unfinished'), () => {
  playFaults([
    {
      name: 'after content',
      stage: { upstream: streaming(begun) },
      code: 'UPSTREAM_TRUNCATED',
      status: 502,
      text: 'Hello',
    },
    {
      name: 'of a body that lasts until FIN',
      stage: {
        upstream: [
          { status: 200, headers: { 'content-type': 'text/event-stream' }, framing: 'close' },
          { write: { text: begun.join('') } },
        ],
      },
      code: 'UPSTREAM_TRUNCATED',
      status: 502,
      text: 'Hello',
    },
    {
      name: 'before content is a status',
      stage: { upstream: streaming(greeted) },
      code: 'UPSTREAM_TRUNCATED',
      status: 502,
    },
    { name: 'of nothing at all', stage: { upstream: streaming([]) }, code: 'UPSTREAM_TRUNCATED', status: 502 },
    {
      name: 'inside an event',
      stage: { upstream: streaming([...begun, textFrame('half').slice(0, -10)]) },
      code: 'UPSTREAM_TRUNCATED',
      status: 502,
      text: 'Hello',
    },
  ]);
});

describe(row('clean-end-finished'), () => {
  playFaults([
    {
      name: 'is a good end, and its terminator is written',
      stage: { upstream: streaming([...begun, finishFrame()]) },
      text: 'Hello',
    },
  ]);

  it.each(forms)('is counted (%s)', async (form) => {
    const stage = await openStage({ upstream: streaming([...begun, finishFrame('length')]) });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'ok', finishReason: 'length' });
    expect(stage.sluice.metric('terminator_missing')).toBe(1);
  });

  it('is not counted where a terminator came', async () => {
    const stage = await openStage({ upstream: good });
    await (await stage.ask('openai stream')).end();
    expect(stage.sluice.metric('terminator_missing')).toBe(0);
  });
});

describe(row('endless-bytes'), () => {
  const text = 'x'.repeat(1_000);
  const upstream = [...streaming(greeted, []), { forever: { text: textFrame(text) } }] as const;

  it.each(streams)('ends at the size that an answer may have (%s)', async (form) => {
    const stage = await openStage({ upstream, limits: { maxAnswerBytes: 65_536 } });
    const client = await stage.ask(form);
    const seen = await seenBy(client, form);
    expect(seen).toMatchObject({ status: 200, end: 'error', code: 'ANSWER_TOO_LARGE' });
    expect(seen.text).toMatch(/^x+$/);
    expect(seen.text.length % text.length).toBe(0);
    expect(await stage.upstream.nextClose()).toMatchObject({ closedBy: 'client', aborted: true });
    expect(runCounts(stage)).toEqual({ runs_error: 1 });
  });

  playFaults([
    {
      name: 'is a status for a document',
      stage: { upstream, limits: { maxAnswerBytes: 65_536 } },
      forms: documents,
      code: 'ANSWER_TOO_LARGE',
      status: 502,
    },
    {
      name: 'is a status for one endless document',
      stage: {
        upstream: [
          { status: 200, headers: { 'content-type': 'application/json' } },
          { forever: { text: ' '.repeat(4_096) } },
        ],
        limits: { maxAnswerBytes: 65_536 },
      },
      code: 'ANSWER_TOO_LARGE',
      status: 502,
    },
    {
      name: 'is read only so far in an error',
      stage: {
        upstream: [
          { status: 500, headers: { 'content-type': 'text/plain' } },
          { forever: { text: 'y'.repeat(4_096) } },
        ],
      },
      code: 'UPSTREAM_5XX',
      status: 502,
    },
  ]);
});

describe(row('endless-time'), () => {
  const every = (frame: string): readonly Step[] => [
    ...streaming(greeted, []),
    { forever: { text: frame }, every: 1_000 },
  ];
  const limits = { maxStreamDuration: '30s' };
  playFaults([
    {
      name: 'ends when the run lasts too long',
      stage: { upstream: every(textFrame('x')), limits },
      forms: streams,
      drive: afterSeconds(30),
      code: 'STREAM_TOO_LONG',
      text: 'x'.repeat(30),
    },
    {
      name: 'ends a document too',
      stage: { upstream: every(textFrame('x')), limits },
      forms: documents,
      drive: afterSeconds(30),
      code: 'STREAM_TOO_LONG',
      status: 504,
    },
    {
      name: 'ends when the attempt lasts too long',
      stage: { upstream: every(textFrame('x')), timeouts: { total: '20s' } },
      forms: streams,
      drive: afterSeconds(20),
      code: 'STREAM_TOO_LONG',
      text: 'x'.repeat(20),
    },
    {
      name: 'ends though only the role comes, before the head is committed',
      stage: { upstream: every(roleFrame()), limits: { maxStreamDuration: '9s' } },
      forms: streams,
      drive: afterSeconds(9),
      code: 'STREAM_TOO_LONG',
      status: 504,
    },
  ]);
});
