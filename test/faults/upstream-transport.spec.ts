import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { refusingPort } from '../support/dead-port.ts';
import { answerBody, answerFrames, commentFrame, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { answering, streaming, type Scenario, type Step } from '../support/scenario.ts';
import { row } from './catalogue.ts';
import { playFaults, type FaultCase } from './fault-case.ts';
import { forms, seenBy, streams, type Form } from './seen.ts';
import { closeStages, openStage, type Stage } from './stage.ts';

afterEach(closeStages);

const good = streaming(answerFrames({ text: ['Hel', 'lo'] }));
const begun = [roleFrame(), textFrame('Hel'), textFrame('lo')];
const greeted = [roleFrame()];
const seconds = (count: number) => async (stage: Stage): Promise<void> => {
  await stage.upstream.nextRequest();
  await stage.clock.advance(count * 1_000);
};
/** Waits until the client has the text that came before the fault. */
const untilText = async (stage: Stage, form: Form): Promise<ReturnType<Stage['ask']>> => {
  const client = await stage.ask(form);
  await client.until('lo"');
  return client;
};

let deadOrigin = '';
beforeAll(async () => {
  deadOrigin = `http://127.0.0.1:${await refusingPort()}`;
});

describe(row('connection-refused'), () => {
  it.each(forms)('is a status at once (%s)', async (form) => {
    const stage = await openStage({ origin: deadOrigin });
    const client = await stage.ask(form);
    expect(await seenBy(client, form)).toMatchObject({ status: 502, type: 'document', code: 'UPSTREAM_CONNECT', end: 'error' });
    expect(stage.ended().map(({ fields }) => fields)).toEqual([expect.objectContaining({ outcome: 'error', code: 'UPSTREAM_CONNECT', socketError: 'ECONNREFUSED' })]);
  });
});

describe(row('dns-failure'), () => {
  // A label of more than 63 characters is refused by the resolver itself, so no network is asked.
  playFaults([{ name: 'is a status at once', stage: { origin: `http://${'a'.repeat(64)}.invalid` }, code: 'UPSTREAM_DNS', status: 502, requests: 0 }]);
});

describe(row('tls-error'), () => {
  const speaking = (tls: Scenario['tls']): Scenario => ({ steps: good, ...(tls !== undefined && { tls }) });
  const cases = (['untrusted', 'expired', 'wrong-name'] as const).map((tls): FaultCase => ({
    name: `a certificate that is ${tls}`, stage: { upstream: speaking(tls) }, code: 'UPSTREAM_TLS', status: 502, requests: 0,
  }));
  playFaults(cases);

  it('can not be switched off by a definition', async () => {
    const backend = { type: 'openai-chat', config: { baseUrl: 'https://127.0.0.1/v1', model: 'm' }, network: 'private' };
    for (const extra of [{ rejectUnauthorized: false }, { tls: { verify: false } }, { insecure: true }]) {
      const stage = await openStage({ definition: { backends: { provider: { ...backend, ...extra } } } }, { pipelines: 0 });
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
    { name: 'ends with the time for connecting', stage: { upstream }, drive, code: 'UPSTREAM_CONNECT_TIMEOUT', status: 504, requests: 0 },
    { name: 'ends after the head was committed', stage: { upstream, output: { commitAfter: '1s' } }, drive, code: 'UPSTREAM_CONNECT_TIMEOUT', text: '', heartbeats: 1, requests: 0 },
  ]);
});

describe(row('no-headers'), () => {
  playFaults([
    { name: 'is a status while the head is not committed', stage: { upstream: ['stall'], timeouts: { headers: '5s', total: '8s' } }, forms: streams, drive: seconds(5), code: 'UPSTREAM_HEADERS_TIMEOUT', status: 504 },
    { name: 'is an error frame at 60 s, behind signs of life', stage: { upstream: ['stall'] }, forms: streams, drive: seconds(60), code: 'UPSTREAM_HEADERS_TIMEOUT', text: '', heartbeats: 4 },
    { name: 'ends a document with its whole time', stage: { upstream: ['stall'], timeouts: { total: '8s' } }, forms: ['openai document', 'native document'], drive: seconds(8), code: 'STREAM_TOO_LONG', status: 504 },
    { name: 'is counted from the request on, whatever half of a head has come', stage: { upstream: [{ write: { text: 'HTTP/1.1 200 OK\r\ncontent-ty', raw: true } }, 'stall'], timeouts: { headers: '5s' } }, forms: streams, drive: seconds(5), code: 'UPSTREAM_HEADERS_TIMEOUT', status: 504 },
  ]);
});
