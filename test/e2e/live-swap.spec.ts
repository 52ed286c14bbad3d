import { describe, expect, it } from '@jest/globals';
import { readNativeStream } from '../support/native-reader.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { probe, type ProbeRequest } from '../support/probe-client.ts';
import { scriptedBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { terminalFaults } from '../support/terminals.ts';
import { eventually } from '../support/turn.ts';
import { changeFolder } from './folder-changes.ts';
import { deep, print } from './print.ts';

const STREAMS = 50;
const SWAPS = deep ? 1_000 : 100;
/** Pieces of one answer. With the delays it lasts longer than a swap takes, so that every stream sees some. */
const PIECES = 12;
const DELAY = '3s';
/** Milliseconds between the starts of two streams, so that they are in different places when a swap comes. */
const STAGGER = 900;
/** Real milliseconds that tell a hang from a slow disk: each swap reads the folder three times. */
const PATIENCE = deep ? 600_000 : 300_000;

/** Everything that a generation consists of carries its number: what goes in, what the provider says, what is masked. */
function definitionOf(version: number): object {
  return {
    processors: [{ name: 'in', type: 'sensitive-words', config: { words: ['hunter2'], with: `[in ${version}]` } }],
    backends: {
      one: scriptedBackend([
        { say: `{{lastUserText}} ${'said '.repeat(PIECES)}[say ${version}] secret`, delay: DELAY },
      ]),
    },
    modifiers: [{ name: 'out', type: 'mask-words', config: { words: ['secret'], with: `[out ${version}]` } }],
  };
}

const messages = [{ role: 'user', content: 'hunter2' }];
const requests: readonly ProbeRequest[] = [
  { path: '/pipelines/swapped/v1/chat/completions', body: { stream: true, messages } },
  { path: '/pipelines/swapped/chat', body: { messages } },
];

interface Ended {
  readonly text: string;
  readonly revision: string;
  readonly faults: readonly string[];
}

/** One stream from its request to its end. */
async function readStream(sluice: Sluice, dialect: number): Promise<Ended> {
  const request = requests[dialect];
  if (request === undefined) throw new Error('there is a request');
  const client = await probe({ port: sluice.port }, request);
  await eventually(
    () => client.responses[0]?.end !== undefined || client.closed !== undefined,
    'the end of a stream',
    PATIENCE,
  );
  const body = client.responses[0]?.body ?? Buffer.alloc(0);
  const { text, done } =
    dialect === 0
      ? readOpenAiStream(body)
      : { ...readNativeStream(body), done: readNativeStream(body).outcome === 'ok' };
  const faults = [
    ...terminalFaults(client, dialect === 0 ? 'openai-chat' : 'native'),
    ...(done ? [] : [`no good end: ${body.toString('utf8').slice(-200)}`]),
  ];
  const revision = client.responses[0]?.headers['x-sluice-revision'] ?? '';
  client.destroy();
  return { text, revision, faults };
}

describe(`${SWAPS} swaps of a definition under ${STREAMS} streams`, () => {
  it(
    'mix nothing and lose nothing',
    async () => {
      const sluice = await startSluice({ pipelines: { swapped: definitionOf(0) } });
      const revisions = new Map<string, number>();
      const ended: Ended[] = [];
      const swaps = { done: 0 };
      let mostGenerations = 0;
      const served = (): number => sluice.log.messages().filter((message) => message === 'pipeline serves').length;
      const noteRevision = (version: number): void => {
        const last = sluice.log.lines.findLast(({ message }) => message === 'pipeline serves');
        revisions.set(String(last?.fields['revision']), version);
      };
      noteRevision(0);
      try {
        const lanes = Array.from({ length: STREAMS }, async (_, lane) => {
          await new Promise<void>((resolve) => sluice.clock.after(1 + lane * STAGGER, resolve));
          do ended.push(await readStream(sluice, lane % 2));
          while (swaps.done < SWAPS);
        });
        await sluice.clock.advance(STREAMS * STAGGER);
        await eventually(() => sluice.metric('streams_live') === STREAMS, 'all streams to be open');
        for (let version = 1; version <= SWAPS; version += 1) {
          await changeFolder(
            sluice,
            () => sluice.save('swapped', definitionOf(version)),
            () => served() > version,
          );
          noteRevision(version);
          swaps.done = version;
          mostGenerations = Math.max(mostGenerations, sluice.metric('generations_live'));
        }
        const all = Promise.all(lanes);
        while (sluice.metric('streams_live') > 0) await sluice.clock.advance(100);
        await all;

        const versions = ended.map(({ text, revision }) => ({
          parts: [...text.matchAll(/\[(?:in|say|out) (\d+)\]/g)].map(([, version]) => Number(version)),
          expected: revisions.get(revision),
        }));
        const mixed = versions.filter(
          ({ parts, expected }) => parts.length !== 3 || parts.some((version) => version !== expected),
        );
        const lost = ended.filter(({ faults }) => faults.length > 0);
        print(
          `${SWAPS} live swaps under ${STREAMS} streams:`,
          `${ended.length} streams, of ${new Set(versions.map(({ expected }) => expected)).size} generations; ${mixed.length} mixed, ${lost.length} lost`,
          `generations in memory: at most ${mostGenerations}, now ${sluice.metric('generations_live')}`,
        );
        expect(mixed).toEqual([]);
        expect(lost).toEqual([]);
        expect(revisions.size).toBe(SWAPS + 1);
        expect(sluice.metric('generations_live')).toBe(1);
        expect([sluice.metric('streams_opened'), sluice.metric('streams_ended')]).toEqual([ended.length, ended.length]);
        expect(ended.length).toBeGreaterThan(STREAMS);
      } finally {
        swaps.done = SWAPS;
        await sluice.close();
      }
      expect(sluice.clock.pendingTimers()).toEqual([]);
    },
    PATIENCE,
  );
});
