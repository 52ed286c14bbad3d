import { describe, expect, it } from '@jest/globals';
import type { RequestRecord } from '../support/fault-connection.ts';
import type { FaultUpstream } from '../support/fault-upstream.ts';
import { openAiBackend, scriptedBackend } from '../support/sluice.ts';
import { eventually } from '../support/turn.ts';
import {
  answerOf,
  ask,
  expectNothingLeft,
  recordsOf,
  shouting,
  start,
  telling,
  translate,
} from './called-pipelines.ts';

interface Sent {
  readonly stream?: boolean;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}
const sent = ({ bodyText }: RequestRecord): Sent => JSON.parse(bodyText) as Sent;

describe('a pipeline that translates through another', () => {
  it('shows what the other one answers, in order', async () => {
    const upstream = await shouting();
    const sluice = await start({
      pipelines: {
        teller: telling(translate('shouter')),
        shouter: { backends: { loud: openAiBackend(upstream.origin) } },
      },
    });
    expect(await answerOf(await ask(sluice, 'teller'))).toBe('THE CAT SLEEPS. THE DOG BARKS.');
    expect(upstream.requests.map((request) => sent(request).messages.at(-1)?.content)).toEqual(
      expect.arrayContaining(['The cat sleeps.', 'The dog barks.']),
    );
    const [first] = upstream.requests.map(sent);
    expect([first?.stream ?? false, first?.messages[0]]).toEqual([
      false,
      { role: 'system', content: expect.stringContaining('into German') },
    ]);
    await expectNothingLeft(sluice);
  });

  it('records both runs, and the id of the called one begins with that of its caller', async () => {
    const upstream = await shouting();
    const sluice = await start({
      pipelines: {
        teller: telling(translate('shouter')),
        shouter: { backends: { loud: openAiBackend(upstream.origin) } },
      },
    });
    const client = await ask(sluice, 'teller');
    await answerOf(client);
    const id = (await client.response()).headers['x-sluice-run'];
    const records = recordsOf(sluice);
    expect(records.map(({ run, pipeline, outcome, backend }) => [run, pipeline, outcome, backend])).toEqual([
      [`${id}.1`, 'shouter', 'ok', 'loud'],
      [`${id}.2`, 'shouter', 'ok', 'loud'],
      [id, 'teller', 'ok', 'story'],
    ]);
    expect(sluice.metric('streams_opened')).toBe(3);
  });

  it('works for a document too, and through more than one pipeline', async () => {
    const upstream = await shouting();
    const sluice = await start({
      pipelines: {
        teller: telling(translate('middle')),
        middle: { backends: { loud: openAiBackend(upstream.origin) }, modifiers: [translate('end')] },
        end: { backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) } },
      },
    });
    const client = await ask(sluice, 'teller', { stream: false });
    await client.end();
    const { choices } = (await client.response()).json() as { choices: [{ message: { content: string } }] };
    client.destroy();
    expect(choices[0].message.content).toBe('<THE CAT SLEEPS.> <THE DOG BARKS.>');
    const ids = recordsOf(sluice).map(({ run }) => String(run));
    expect(ids.filter((id) => /\.\d+\.\d+$/.test(id))).toHaveLength(2);
    await expectNothingLeft(sluice);
  });

  it('has its guard: what the other one hides stays hidden', async () => {
    const upstream = await shouting();
    const sluice = await start({
      pipelines: {
        teller: telling(translate('shouter')),
        shouter: {
          backends: { loud: openAiBackend(upstream.origin) },
          modifiers: [{ type: 'mask-words', config: { words: ['CAT'], with: '***' } }],
        },
      },
    });
    expect(await answerOf(await ask(sluice, 'teller'))).toBe('THE *** SLEEPS. THE DOG BARKS.');
  });

  it('gives it the parameters that it declares, and those only', async () => {
    const shouter = {
      params: { target: { type: 'string', enum: ['German', 'French'] } },
      backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) },
    };
    const fail = { onFailure: 'fail' };
    const sluice = await start({
      pipelines: {
        known: telling(translate('shouter', { ...fail, params: { target: '{language}' } })),
        unknown: telling(translate('shouter', { ...fail, params: { tone: 'formal' } })),
        shouter,
      },
    });
    expect(await answerOf(await ask(sluice, 'known'))).toBe('<The cat sleeps.> <The dog barks.>');
    expect(await answerOf(await ask(sluice, 'unknown'))).toContain('tone');
    await expectNothingLeft(sluice);
  });
});

describe('a called pipeline that fails', () => {
  it.each<readonly [string, object, string]>([
    ['its provider is busy', { backends: { one: scriptedBackend([{ status: 429 }]) } }, 'UPSTREAM_RATE_LIMITED'],
    ['its provider breaks off', { backends: { one: scriptedBackend([{ reset: true }]) } }, 'UPSTREAM_RESET'],
    [
      'its rule blocks the text',
      {
        backends: { one: scriptedBackend([{ say: 'x' }]) },
        processors: [{ type: 'sensitive-words', config: { words: ['cat', 'dog'], action: 'block' } }],
      },
      'REQUEST_BLOCKED',
    ],
    ['it has a mistake', { backends: {} }, 'DEFINITION_INVALID'],
  ])('fails the run or leaves its text as it was: %s', async (_why, called, code) => {
    const sluice = await start({
      pipelines: {
        strict: telling(translate('called', { onFailure: 'fail' })),
        lenient: telling(translate('called')),
        called,
      },
    });
    const lenient = await ask(sluice, 'lenient');
    const told = (): boolean => sluice.log.lines.some(({ message }) => message === 'a sentence is not translated');
    await eventually(told, 'the failure of the call');
    expect(await answerOf(lenient)).toBe('The cat sleeps. The dog barks.');
    const strict = await ask(sluice, 'strict');
    await eventually(() => recordsOf(sluice).some(({ pipeline }) => pipeline === 'strict'), 'the end of the run');
    await strict.end();
    strict.destroy();
    expect(recordsOf(sluice).find(({ pipeline }) => pipeline === 'strict')).toMatchObject({ outcome: 'error', code });
    await expectNothingLeft(sluice);
  });
});

describe('the limit of a called pipeline', () => {
  const pipelines = (upstream: FaultUpstream, parallel: number): Readonly<Record<string, object>> => ({
    teller: telling(translate('shouter', { parallel })),
    shouter: { backends: { loud: openAiBackend(upstream.origin) }, limits: { concurrentStreams: 1 } },
  });

  it('counts its calls: one too many is refused', async () => {
    const upstream = await shouting('late');
    const sluice = await start({ pipelines: pipelines(upstream, 2) });
    const client = await ask(sluice, 'teller');
    const refused = (): boolean => sluice.log.lines.some(({ fields }) => fields['code'] === 'OVERLOADED');
    await eventually(refused, 'the refusal of the second call');
    const outside = await ask(sluice, 'shouter');
    expect(await answerOf(outside)).toContain('503');
    upstream.release('late');
    expect(await answerOf(client)).toBe('THE CAT SLEEPS. The dog barks.');
    expect(upstream.requests).toHaveLength(1);
    await expectNothingLeft(sluice);
  });

  it('is free again after each call', async () => {
    const sluice = await start({ pipelines: pipelines(await shouting(), 1) });
    for (let times = 0; times < 3; times += 1)
      expect(await answerOf(await ask(sluice, 'teller'))).toBe('THE CAT SLEEPS. THE DOG BARKS.');
    await expectNothingLeft(sluice);
  });
});
