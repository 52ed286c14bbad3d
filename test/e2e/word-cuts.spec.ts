import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { readNativeStream } from '../support/native-reader.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { answerBody, answerFrames, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { openProbe, type ProbeClient } from '../support/probe-client.ts';
import type { Step } from '../support/scenario.ts';
import { openAiBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { terminalFaults } from '../support/terminals.ts';
import { deep, printTable } from './print.ts';

/** One to four bytes a character in UTF-8; the last is two code units, and a word of two has a space in it. */
const words = ['swordfish', 'größe', '秘密計画', 'blue bird', 'k🔑y'] as const;
const MASK = '***';
const eventStream = { 'content-type': 'text/event-stream' };

interface Cutting {
  readonly name: string;
  /** The scenarios of one word, one for each cut. */
  readonly cuts: (word: string) => readonly (readonly Step[])[];
}

/** Between two writes the loop goes round, so that they arrive as two reads. */
function inTwoPackets(head: Step, bytes: Buffer, cut: number): readonly Step[] {
  const part = (piece: Buffer): Step => ({
    write: { base64: piece.toString('base64'), slice: bytes.length, raw: true },
  });
  return [head, part(bytes.subarray(0, cut)), part(bytes.subarray(cut)), 'fin'];
}

const streamHead: Step = { status: 200, headers: eventStream, framing: 'close' };
const escaped = (text: string): string =>
  text.replace(/[^\u0000-\u007f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
/** Bytes before and behind the word at which the stream is cut too; in a deep run all of it. */
const MARGIN = deep ? 1_000 : 16;

/** A stream with the word in the pieces given, cut at every byte of the word and of its neighbourhood. */
function atEveryByte(
  pieces: readonly string[],
  write: (text: string) => string = String,
): readonly (readonly Step[])[] {
  const before = roleFrame() + textFrame('the ');
  const frames = write(pieces.map((piece) => textFrame(piece)).join(''));
  const bytes = Buffer.from(`${before}${frames}${textFrame(' plan')}${finishFrame()}${doneFrame}`);
  const cuts = new Set<number>();
  let place = Buffer.byteLength(before);
  for (const piece of pieces.map((text) => Buffer.from(write(JSON.stringify(text).slice(1, -1))))) {
    place = bytes.indexOf(piece, place);
    for (let cut = Math.max(1, place - MARGIN); cut < Math.min(bytes.length, place + piece.length + MARGIN); cut += 1)
      cuts.add(cut);
  }
  return [...cuts].map((cut) => inTwoPackets(streamHead, bytes, cut));
}

const cuttings: readonly Cutting[] = [
  {
    name: 'two deltas, cut at every code unit',
    cuts: (word) =>
      Array.from({ length: word.length + 1 }, (_, cut) => [
        streamHead,
        { write: { text: answerFrames({ text: ['the ', word.slice(0, cut), `${word.slice(cut)} plan`] }).join('') } },
        'fin',
      ]),
  },
  {
    name: 'one delta per code unit',
    cuts: (word) => [
      [streamHead, { write: { text: answerFrames({ text: `the ${word} plan`.split('') }).join('') } }, 'fin'],
    ],
  },
  { name: 'two packets, cut at every byte', cuts: (word) => atEveryByte([word]) },
  { name: 'the same, the word escaped as \\u', cuts: (word) => atEveryByte([word], escaped) },
  {
    name: 'the same, the word in two deltas',
    cuts: (word) => atEveryByte([word.slice(0, word.length / 2), word.slice(word.length / 2)]),
  },
  {
    name: 'one packet per byte',
    cuts: (word) => [
      [streamHead, { write: { text: answerFrames({ text: ['the ', word, ' plan'] }).join(''), slice: 1 } }, 'fin'],
    ],
  },
];
const bodyCuttings: readonly Cutting[] = [
  {
    name: 'one document, cut at every byte of the word',
    cuts: (word) => {
      const bytes = Buffer.from(JSON.stringify(answerBody({ text: [`the ${word} plan`] })));
      const head: Step = {
        status: 200,
        headers: { 'content-type': 'application/json' },
        framing: 'length',
        length: bytes.length,
      };
      const from = bytes.indexOf(Buffer.from(word));
      return Array.from({ length: Buffer.byteLength(word) + 1 }, (_, index) => inTwoPackets(head, bytes, from + index));
    },
  },
];

interface Way {
  readonly name: string;
  readonly path: string;
  readonly body: object;
  readonly cuttings: readonly Cutting[];
  readonly dialect: 'openai-chat' | 'native';
  readonly textOf: (client: ProbeClient, index: number) => string;
}

const messages = [{ role: 'user', content: 'hi' }];
const bodyOf = (client: ProbeClient, index: number): Buffer => client.responses[index]?.body ?? Buffer.alloc(0);
const openAiText = (document: { choices?: { message: { content: string } }[] }): string =>
  document.choices?.[0]?.message.content ?? '';
const nativeText = (document: { message?: { content: string } }): string => document.message?.content ?? '';
const ways: readonly Way[] = [
  {
    name: 'openai, stream',
    dialect: 'openai-chat',
    path: '/pipelines/cut/v1/chat/completions',
    body: { stream: true, messages },
    cuttings,
    textOf: (client, index) => readOpenAiStream(bodyOf(client, index)).text,
  },
  {
    name: 'native, stream',
    dialect: 'native',
    path: '/pipelines/cut/chat',
    body: { messages },
    cuttings,
    textOf: (client, index) => readNativeStream(bodyOf(client, index)).text,
  },
  {
    name: 'openai, document',
    dialect: 'openai-chat',
    path: '/pipelines/cut/v1/chat/completions',
    body: { messages },
    cuttings: bodyCuttings,
    textOf: (client, index) => openAiText(client.responses[index]?.json() as object),
  },
  {
    name: 'native, document',
    dialect: 'native',
    path: '/pipelines/cut/chat',
    body: { stream: false, messages },
    cuttings: bodyCuttings,
    textOf: (client, index) => nativeText(client.responses[index]?.json() as object),
  },
];

/** The forms in which a word can stand in the bytes of an answer. */
function formsOf(word: string): readonly string[] {
  return [word, escaped(word), escaped(word).toUpperCase().replaceAll('\\U', '\\u')];
}

describe('a masked word that the provider cuts', () => {
  const rows: Record<string, string | number>[] = [];
  let upstream: FaultUpstream;
  let sluice: Sluice;
  let playing: readonly Step[] = [];
  beforeAll(async () => {
    upstream = await startFaultUpstream(() => playing);
    const modifiers = [{ type: 'mask-words', config: { words: [...words], with: MASK } }];
    sluice = await startSluice({
      pipelines: { cut: { backends: { one: openAiBackend(upstream.origin) }, modifiers } },
    });
  });
  afterAll(async () => {
    await sluice.close();
    await upstream.close();
    printTable('Masked words cut by the provider:', rows);
  });

  it.each(
    ways.flatMap((way) => way.cuttings.map((cutting) => ({ way, cutting, title: `${way.name}: ${cutting.name}` }))),
  )(
    '$title',
    async ({ way, cutting }) => {
      let cuts = 0;
      let leaked = 0;
      const wrong: string[] = [];
      for (const word of words) {
        const client = await openProbe({ port: sluice.port });
        const scenarios = cutting.cuts(word);
        for (const [index, scenario] of scenarios.entries()) {
          playing = scenario;
          await client.send({ path: way.path, body: way.body });
          await client.end(index);
          const text = way.textOf(client, index);
          if (text !== `the ${MASK} plan`) wrong.push(`${word}, cut ${index}: ${JSON.stringify(text)}`);
        }
        const received = client.received.toString('utf8');
        leaked += formsOf(word).filter((form) => received.includes(form)).length;
        cuts += scenarios.length;
        wrong.push(...terminalFaults(client, way.dialect));
        client.destroy();
      }
      rows.push({
        answer: way.name,
        cutting: cutting.name,
        words: words.length,
        cuts,
        masked: cuts - wrong.length,
        leaked,
      });
      expect(wrong).toEqual([]);
      expect(leaked).toBe(0);
    },
    deep ? 120_000 : 30_000,
  );
});
