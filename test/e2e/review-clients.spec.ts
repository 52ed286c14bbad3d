import { afterEach, describe, expect, it } from '@jest/globals';
import { questionOf, closeStages, openStage, type Stage } from '../faults/stage.ts';
import { seenBy, streams, type Form } from '../faults/seen.ts';
import { readNativeStream } from '../support/native-reader.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { answerBody, answerFrames, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import type { ProbeClient } from '../support/probe-client.ts';
import { answering, streaming, type Step } from '../support/scenario.ts';
import { eventually, turn } from '../support/turn.ts';
import { processor, registryWith } from './review-components.ts';

afterEach(closeStages);

/** The whole text of a response, in whichever form it came. */
function textOf(client: ProbeClient, index: number, form: Form): string {
  const body = client.responses[index]?.body ?? Buffer.alloc(0);
  return form.startsWith('native') ? readNativeStream(body).text : readOpenAiStream(body).text;
}

describe('an answer that waits behind another one on its connection', () => {
  const rounds = 20;
  /** A healthy stream that lasts many times the stall of a client. */
  const first: readonly Step[] = streaming(
    [roleFrame(), textFrame('begun')],
    [
      ...Array.from({ length: rounds }, (_, round): readonly Step[] => [
        { wait: 1_000 },
        { write: { text: textFrame(` ${round}`) } },
      ]).flat(),
      { write: { text: finishFrame() + doneFrame } },
      'end',
    ],
  );
  const long = 'more '.repeat(100_000);
  const seconds: Readonly<
    Record<string, { readonly upstream: readonly Step[]; readonly document?: boolean; readonly expected: RegExp }>
  > = {
    'a document': { upstream: answering(200, answerBody({ text: ['second'] })), document: true, expected: /second/ },
    'a long document': {
      upstream: answering(200, answerBody({ text: [long] })),
      document: true,
      expected: /more more/,
    },
    'an error': { upstream: answering(500, { error: { message: 'no' } }), expected: /UPSTREAM_5XX/ },
    'an error for who wants a document': {
      upstream: answering(500, { error: { message: 'no' } }),
      document: true,
      expected: /UPSTREAM_5XX/,
    },
    'a broken stream': { upstream: streaming([roleFrame(), textFrame('second')], ['rst']), expected: /UPSTREAM_RESET/ },
    'a stream': { upstream: streaming(answerFrames({ text: ['second'] })), expected: /second/ },
    'a long stream': {
      upstream: streaming(answerFrames({ text: Array.from({ length: 50 }, () => long.slice(0, 10_000)) })),
      expected: /more more/,
    },
    'a stream that goes on': {
      upstream: streaming(
        [roleFrame(), textFrame('second')],
        [{ wait: 30_000 }, { write: { text: finishFrame() + doneFrame } }, 'end'],
      ),
      expected: /second/,
    },
  };

  for (const [what, { upstream, document = false, expected }] of Object.entries(seconds)) {
    it.each(streams)(`does not break it: ${what} (%s)`, async (form) => {
      const stage = await openStage({
        upstream: ({ index }) => (index === 0 ? first : upstream),
        output: { clientStall: '2s', heartbeat: '1s' },
      });
      const client = await stage.ask(form);
      await client.until('begun');
      const second = document ? (form.replace('stream', 'document') as Form) : form;
      await client.send(questionOf(second));
      await eventually(() => stage.upstream.requests.length === 2, 'the second question');
      for (let round = 0; round < rounds; round += 1) {
        await stage.clock.advance(1_000);
        await eventually(() => textOf(client, 0, form).endsWith(` ${round}`), `round ${round}`);
      }
      await eventually(() => client.responses[0]?.end !== undefined, 'the end of the first answer');
      expect([client.responses[0]?.end, textOf(client, 0, form)]).toEqual([
        'complete',
        `begun${Array.from({ length: rounds }, (_, round) => ` ${round}`).join('')}`,
      ]);
      if (what === 'a stream that goes on') await stage.clock.advance(30_000);
      expect(await client.end(1)).toBe('complete');
      expect(client.responses[1]?.text).toMatch(expected);
      expect(client.closed).toBeUndefined();
    });
  }
});

describe('progress that a client does not read', () => {
  const message = 'x'.repeat(65_536);
  const messages = 1_000;

  it('is not kept for it', async () => {
    let told = 0;
    const tells = processor('tells', () => ({
      async processRequest(request, _output, run) {
        for (; told < messages; told += 1) {
          run.progress('tells', message);
          if (told % 10 === 0) await turn();
        }
        return request;
      },
    }));
    const stage: Stage = await openStage({
      registry: await registryWith(tells),
      upstream: streaming(answerFrames({ text: ['the plan'] })),
      definition: { processors: [{ name: 'tells', type: 'tells', config: {} }] },
    });
    const client = await stage.ask('native stream');
    client.pause();
    await eventually(() => told === messages, 'the processor to be done');
    await turn(20);
    client.resume();
    expect(await seenBy(client, 'native stream')).toMatchObject({ end: 'ok', text: 'the plan' });
    // The system takes some megabytes for a client that does not read, and those it gets.
    expect(client.bytesReceived).toBeLessThan((messages * message.length) / 4);
    expect(stage.ended().map(({ fields }) => fields['outcome'])).toEqual(['ok']);
  });

  it('does not keep it from being given up', async () => {
    const tells = processor('tells', () => ({
      async processRequest(_request, _output, run) {
        while (!run.signal.aborted) {
          run.progress('tells', message);
          await turn();
        }
        throw run.signal.reason as Error;
      },
    }));
    const stage = await openStage({
      registry: await registryWith(tells),
      output: { clientStall: '5s' },
      definition: { processors: [{ name: 'tells', type: 'tells', config: {} }] },
    });
    const client = await stage.ask('native stream');
    client.pause();
    await stage.clock.advanceUntil(() => stage.ended().length > 0, 1_000, 60_000);
    expect(stage.ended().map(({ fields }) => fields['outcome'])).toEqual(['client-slow']);
    client.destroy();
  });
});
