import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { refusingPort } from '../support/dead-port.ts';
import { answerFrames, commentFrame, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { streaming, type Scenario, type Step } from '../support/scenario.ts';
import { row } from './catalogue.ts';
import { playFaults, runCounts, type FaultCase } from './fault-case.ts';
import { documents, forms, seenBy, streams, type Form } from './seen.ts';
import { afterSeconds, closeStages, openStage, type Stage } from './stage.ts';

afterEach(closeStages);

const good = streaming(answerFrames({ text: ['Hel', 'lo'] }));
const begun = [roleFrame(), textFrame('Hel'), textFrame('lo')];
const greeted = [roleFrame()];
let deadOrigin = '';
beforeAll(async () => {
  deadOrigin = `http://127.0.0.1:${await refusingPort()}`;
});

describe(row('connection-refused'), () => {
  it.each(forms)('is a status at once (%s)', async (form) => {
    const stage = await openStage({ origin: deadOrigin });
    const client = await stage.ask(form);
    expect(await seenBy(client, form)).toMatchObject({
      status: 502,
      type: 'document',
      code: 'UPSTREAM_CONNECT',
      end: 'error',
    });
    expect(stage.ended().map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ outcome: 'error', code: 'UPSTREAM_CONNECT', socketError: 'ECONNREFUSED' }),
    ]);
  });
});

describe(row('dns-failure'), () => {
  // A label of more than 63 characters is refused by the resolver itself, so no network is asked.
  playFaults([
    {
      name: 'is a status at once',
      stage: { origin: `http://${'a'.repeat(64)}.invalid` },
      code: 'UPSTREAM_DNS',
      status: 502,
      requests: 0,
    },
  ]);
});

describe(row('tls-error'), () => {
  const speaking = (tls: Scenario['tls']): Scenario => ({ steps: good, ...(tls !== undefined && { tls }) });
  const cases = (['untrusted', 'expired', 'wrong-name'] as const).map((tls): FaultCase => ({
    name: `a certificate that is ${tls}`,
    stage: { upstream: speaking(tls) },
    code: 'UPSTREAM_TLS',
    status: 502,
    requests: 0,
  }));
  playFaults(cases);

  it('can not be switched off by a definition', async () => {
    const backend = {
      type: 'openai-chat',
      config: { baseUrl: 'https://127.0.0.1/v1', model: 'm' },
      network: 'private',
    };
    for (const extra of [{ rejectUnauthorized: false }, { tls: { verify: false } }, { insecure: true }]) {
      const stage = await openStage({
        definition: { backends: { provider: { ...backend, ...extra } } },
        serves: false,
      });
      const client = await stage.ask('native document');
      expect(await seenBy(client, 'native document')).toMatchObject({ status: 503, code: 'DEFINITION_INVALID' });
    }
  });
});

describe(row('tls-handshake-stall'), () => {
  const upstream: Scenario = { steps: good, tls: 'handshake-stall' };
  const drive = async (stage: Stage): Promise<void> => {
    await stage.upstream.nextConnection();
    await stage.clock.advance(5_000);
  };
  playFaults([
    {
      name: 'ends with the time for connecting',
      stage: { upstream },
      drive,
      code: 'UPSTREAM_CONNECT_TIMEOUT',
      status: 504,
      requests: 0,
    },
    {
      name: 'ends after the head was committed',
      stage: { upstream, output: { commitAfter: '1s' } },
      drive,
      code: 'UPSTREAM_CONNECT_TIMEOUT',
      text: '',
      heartbeats: 1,
      requests: 0,
    },
  ]);
});

describe(row('no-headers'), () => {
  playFaults([
    {
      name: 'is a status while the head is not committed',
      stage: { upstream: ['stall'], timeouts: { headers: '5s', total: '8s' } },
      forms: streams,
      drive: afterSeconds(5),
      code: 'UPSTREAM_HEADERS_TIMEOUT',
      status: 504,
    },
    {
      name: 'is an error frame at 60 s, behind signs of life',
      stage: { upstream: ['stall'] },
      forms: streams,
      drive: afterSeconds(60),
      code: 'UPSTREAM_HEADERS_TIMEOUT',
      text: '',
      heartbeats: 4,
    },
    {
      name: 'ends a document with its whole time',
      stage: { upstream: ['stall'], timeouts: { total: '8s' } },
      forms: documents,
      drive: afterSeconds(8),
      code: 'STREAM_TOO_LONG',
      status: 504,
    },
    {
      name: 'is counted from the request on, whatever half of a head has come',
      stage: {
        upstream: [{ write: { text: 'HTTP/1.1 200 OK\r\ncontent-ty', raw: true } }, 'stall'],
        timeouts: { headers: '5s' },
      },
      forms: streams,
      drive: afterSeconds(5),
      code: 'UPSTREAM_HEADERS_TIMEOUT',
      status: 504,
    },
  ]);
});

describe(row('stale-socket'), () => {
  const first = async (stage: Stage, form: Form): Promise<void> => {
    await (await stage.ask(form)).end();
  };
  const breaks: readonly Step[] = ['fin', 'rst', 'destroy'];

  it.each(streams.flatMap((form) => breaks.map((how) => [form, how] as const)))(
    'is replaced once, unseen (%s, %s)',
    async (form, how) => {
      const stage = await openStage({ upstream: [good, [how], good] });
      await first(stage, form);
      const client = await stage.ask(form);
      expect(await seenBy(client, form)).toMatchObject({ status: 200, end: 'ok', text: 'Hello' });
      const { requests } = stage.upstream;
      expect(requests.map(({ connectionId, reused }) => [connectionId, reused])).toEqual([
        [1, false],
        [1, true],
        [2, false],
      ]);
      expect(requests[2]?.bodyText).toBe(requests[1]?.bodyText);
      expect(runCounts(stage)).toEqual({ runs_ok: 2 });
    },
  );

  it.each(forms)('is replaced no second time (%s)', async (form) => {
    const stage = await openStage({ upstream: [good, ['rst'], ['rst'], good] });
    await first(stage, form);
    const client = await stage.ask(form);
    expect(await seenBy(client, form)).toMatchObject({ status: 502, code: 'UPSTREAM_RESET', type: 'document' });
    expect(stage.upstream.requests.length).toBe(3);
    expect(runCounts(stage)).toEqual({ runs_ok: 1, runs_error: 1 });
  });

  it.each(forms)('is not even tried when it was closed before (%s)', async (form) => {
    const stage = await openStage({ upstream: good });
    await first(stage, form);
    stage.upstream.closeIdle();
    await stage.upstream.nextClose();
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 200, text: 'Hello' });
    expect(stage.upstream.requests.map(({ reused }) => reused)).toEqual([false, false]);
  });

  it('is not replaced once a byte of the answer has come', async () => {
    const stage = await openStage({ upstream: [good, [{ write: { text: 'HTTP/1.1 200', raw: true } }, 'rst'], good] });
    await first(stage, 'openai stream');
    expect(await seenBy(await stage.ask('openai stream'), 'openai stream')).toMatchObject({
      status: 502,
      code: 'UPSTREAM_RESET',
    });
    expect(stage.upstream.requests.length).toBe(2);
  });
});

describe(row('first-use-reset'), () => {
  const breaks: readonly (Step & string)[] = ['fin', 'rst', 'destroy'];
  playFaults(
    breaks.map((how) => ({
      name: `is not sent again after ${how}`,
      stage: { upstream: [[how], good] },
      code: 'UPSTREAM_RESET',
      status: 502,
    })),
  );
});

describe(row('not-http'), () => {
  playFaults([
    { name: 'another protocol greets', stage: { upstream: ['not-http'] }, code: 'UPSTREAM_BAD_CONTENT', status: 502 },
    {
      name: 'the head is larger than 32 KiB',
      stage: { upstream: [{ headerOverflow: 40_000 }, 'stall'] },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
    {
      name: 'the status line is garbage',
      stage: { upstream: [{ write: { text: 'HTTP/9.9 OK 200\r\n\r\n', raw: true } }, 'stall'] },
      code: 'UPSTREAM_BAD_CONTENT',
      status: 502,
    },
    {
      name: 'the sizes of the chunks are garbage',
      stage: { upstream: streaming(begun, [{ write: { text: 'zz\r\n', raw: true } }, 'stall']) },
      code: 'UPSTREAM_BAD_CONTENT',
      text: 'Hello',
    },
  ]);
});

describe(row('slow-first-token'), () => {
  const pinging = (frames: readonly string[]): readonly Step[] => [
    ...streaming(frames, []),
    { forever: { text: commentFrame('ping') }, every: 20_000 },
  ];
  playFaults([
    {
      name: 'ends at 90 s, though pings come',
      stage: { upstream: pinging([]) },
      forms: streams,
      drive: afterSeconds(90),
      code: 'UPSTREAM_FIRST_TOKEN_TIMEOUT',
      text: '',
      heartbeats: 6,
    },
    {
      name: 'ends at 90 s, though the role has come',
      stage: { upstream: pinging(greeted) },
      forms: streams,
      drive: afterSeconds(90),
      code: 'UPSTREAM_FIRST_TOKEN_TIMEOUT',
      text: '',
      heartbeats: 6,
    },
    {
      name: 'ends at 60 s where not even a ping comes',
      stage: { upstream: streaming(greeted, ['stall']) },
      forms: streams,
      drive: afterSeconds(60),
      code: 'UPSTREAM_STALLED',
      text: '',
      heartbeats: 4,
    },
    {
      name: 'is a status before the head is committed',
      stage: { upstream: pinging(greeted), timeouts: { firstToken: '9s' } },
      forms: streams,
      drive: afterSeconds(9),
      code: 'UPSTREAM_FIRST_TOKEN_TIMEOUT',
      status: 504,
    },
    {
      name: 'is no fault when the token comes at last',
      stage: {
        upstream: [
          ...streaming(greeted, [{ wait: 50_000 }]),
          { write: { text: [textFrame('late'), finishFrame(), doneFrame].join('') } },
        ],
      },
      drive: afterSeconds(50),
      text: 'late',
      heartbeats: 3,
    },
  ]);
});

describe(row('stall'), () => {
  playFaults([
    {
      name: 'ends after 60 s without a byte',
      stage: { upstream: streaming(begun, ['stall']) },
      forms: streams,
      drive: afterSeconds(60),
      code: 'UPSTREAM_STALLED',
      text: 'Hello',
      heartbeats: 4,
    },
    {
      name: 'ends a document too',
      stage: { upstream: streaming(begun, ['stall']) },
      forms: documents,
      drive: afterSeconds(60),
      code: 'UPSTREAM_STALLED',
      status: 504,
    },
    {
      name: 'ends in the middle of an event, which is not shown',
      stage: { upstream: streaming([...begun, textFrame('half').slice(0, 40)], ['stall']) },
      forms: streams,
      drive: afterSeconds(60),
      code: 'UPSTREAM_STALLED',
      text: 'Hello',
    },
  ]);
});

describe(row('no-progress'), () => {
  const pings = { forever: { text: commentFrame('ping') }, every: 20_000 } as const;
  const empties = { forever: { text: roleFrame() }, every: 20_000 } as const;
  playFaults([
    {
      name: 'ends after 120 s of pings',
      stage: { upstream: streaming(begun, [pings]) },
      forms: streams,
      drive: afterSeconds(121),
      code: 'UPSTREAM_NO_PROGRESS',
      text: 'Hello',
      heartbeats: 8,
    },
    {
      name: 'ends after 120 s of empty events',
      stage: { upstream: streaming(begun, [empties]) },
      forms: streams,
      drive: afterSeconds(121),
      code: 'UPSTREAM_NO_PROGRESS',
      text: 'Hello',
    },
    {
      name: 'ends a document too',
      stage: { upstream: streaming(begun, [pings]) },
      forms: documents,
      drive: afterSeconds(121),
      code: 'UPSTREAM_NO_PROGRESS',
      status: 504,
    },
  ]);
});
