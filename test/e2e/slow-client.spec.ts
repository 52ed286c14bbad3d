import { connect, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { answerFrames, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { probe, requestBytes, type ProbeClient, type ProbeRequest } from '../support/probe-client.ts';
import { streaming, type Step } from '../support/scenario.ts';
import { openAiBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { eventually, PATIENCE_MILLISECONDS, turn } from '../support/turn.ts';
import { print } from './print.ts';

const MEGABYTE = 1_048_576;
const ANSWER = 200 * MEGABYTE;
const ALLOWED = 4 * MEGABYTE;
const SECOND = 1_000;
const FITS = 4;
const FEW_LOOKS = 8;
const MANY_LOOKS = 100;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/**
 * Bytes of heap and of buffers that are in use. The least of several looks, since buffers are given back in their own time;
 * of many where they are more than `enough`.
 */
async function usedMemory(enough = Number.POSITIVE_INFINITY): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < FEW_LOOKS || (look < MANY_LOOKS && least > enough); look += 1) {
    await turn(100);
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    least = Math.min(least, heapUsed + external);
  }
  return least;
}

/** 200 MB of text, one write of 64 KiB after another; every write is the same piece of data. */
const frames = textFrame('wool '.repeat(50));
const write: Step = { write: { repeat: frames, times: Math.ceil(65_536 / frames.length) } };
const writes = Math.ceil(ANSWER / (frames.length * Math.ceil(65_536 / frames.length)));
const hugeAnswer = streaming(
  [roleFrame()],
  [...Array.from({ length: writes }, () => write), { write: { text: finishFrame() + doneFrame } }, 'end'],
);

const messages = [{ role: 'user', content: 'hi' }];
const chat = (pipeline: string, stream = true): ProbeRequest => ({
  path: `/pipelines/${pipeline}/v1/chat/completions`,
  body: { stream, messages },
});

/** Looks that must find the same before the provider counts as paused, and turns of the loop between two of them. */
const LOOKS = 10;
const TURNS = 100;

/** Resolves when the upstream has stopped to write because nobody reads, with the bytes that it got rid of. */
async function untilPaused(upstream: FaultUpstream): Promise<number> {
  const deadline = performance.now() + PATIENCE_MILLISECONDS;
  let bytes = 0;
  for (let same = 0; same < LOOKS;) {
    if (performance.now() > deadline) throw new Error(`The provider was not paused; it has sent ${bytes} bytes.`);
    await turn(TURNS);
    const now = upstream.connections[0]?.blocked === true ? upstream.connections[0].bytesOut : 0;
    same = now > 0 && now === bytes ? same + 1 : 0;
    bytes = now;
  }
  return bytes;
}

describe(`a client that never reads an answer of ${ANSWER / MEGABYTE} MB`, () => {
  let huge: FaultUpstream;
  let small: FaultUpstream;
  let sluice: Sluice;
  let slow: ProbeClient | undefined;
  beforeEach(async () => {
    huge = await startFaultUpstream(hugeAnswer);
    small = await startFaultUpstream(streaming(answerFrames({ text: ['the ', 'sec', 'ret', ' plan'] })));
    const modifiers = [{ type: 'mask-words', config: { words: ['secret'] } }];
    sluice = await startSluice({
      pipelines: {
        huge: {
          backends: { one: openAiBackend(huge.origin) },
          modifiers,
          limits: { maxAnswerBytes: 1_073_741_824 },
          output: { clientStall: '30s' },
        },
        small: { backends: { one: openAiBackend(small.origin) }, modifiers },
      },
    });
    // Everything that is loaded or compiled at the first use.
    await (await probe({ port: sluice.port }, chat('small'))).end();
  });
  afterEach(async () => {
    slow?.destroy();
    await sluice.close();
    await huge.close();
    await small.close();
  });

  const readSmall = async (): Promise<string> => {
    const client = await probe({ port: sluice.port }, chat('small'));
    expect(await client.end()).toBe('complete');
    const { text, done } = readOpenAiStream(client.responses[0]?.body ?? Buffer.alloc(0));
    client.destroy();
    return done ? text : 'no end';
  };

  it('pauses the provider, costs no memory, is given up after clientStall, and disturbs nobody', async () => {
    const before = await usedMemory();
    slow = await probe({ port: sluice.port }, chat('huge'));
    slow.pause();
    await untilPaused(huge);
    const added = (await usedMemory(before + ALLOWED)) - before;
    expect(await readSmall()).toBe('the *** plan');

    await sluice.clock.advance(29 * SECOND);
    expect(sluice.metric('streams_live')).toBe(1);
    // The system may enlarge its buffers meanwhile, the engine may not.
    const paused = await untilPaused(huge);
    expect(paused).toBeLessThan(ANSWER / 4);
    expect(await readSmall()).toBe('the *** plan');
    await sluice.clock.advance(2 * SECOND);
    await eventually(() => huge.activeConnections === 0, 'the upstream connection to be closed');
    const [ended] = sluice.log.lines.filter(
      ({ message, fields }) => message === 'run ended' && fields['pipeline'] === 'huge',
    );
    expect(ended?.fields).toMatchObject({ outcome: 'client-slow', code: 'CLIENT_SLOW' });
    expect(sluice.metric('streams_live')).toBe(0);
    slow.resume();
    expect(['fin', 'reset']).toContain(await slow.end());
    expect(await readSmall()).toBe('the *** plan');

    print(
      'A client that never reads 200 MB:',
      `heap + external: ${(added / MEGABYTE).toFixed(2)} MB more (allowed: ${ALLOWED / MEGABYTE})`,
      `the provider was paused after ${(paused / MEGABYTE).toFixed(1)} MB, most of it in the buffers of the system`,
      `ended after 30 s of no reading, code ${String(ended?.fields['code'])}, connection ${slow.closed ?? 'open'}`,
    );
    expect(added).toBeLessThan(ALLOWED);
  });

  it('costs no more, and gets everything, where it reads in fits and starts', async () => {
    const before = await usedMemory();
    const reader = await openReader(sluice.port, requestBytes(chat('huge')));
    let most = 0;
    try {
      for (let fit = 1; fit <= FITS; fit += 1) {
        reader.socket.pause();
        await untilPaused(huge);
        most = Math.max(most, (await usedMemory(before + ALLOWED)) - before);
        const read = reader.bytes;
        reader.socket.resume();
        await eventually(
          () => reader.bytes > read + (ANSWER / FITS) * 0.9 || reader.tail.includes('[DONE]'),
          'the client to read on',
        );
      }
      await eventually(() => reader.tail.endsWith('data: [DONE]\n\n\r\n0\r\n\r\n'), 'the end of the answer');
    } finally {
      reader.socket.destroy();
    }
    print(
      `A client that reads ${ANSWER / MEGABYTE} MB in ${FITS} fits:`,
      `heap + external: at most ${(most / MEGABYTE).toFixed(2)} MB more (allowed: ${ALLOWED / MEGABYTE})`,
      `it got ${(reader.bytes / MEGABYTE).toFixed(0)} MB, the terminator last`,
    );
    expect(most).toBeLessThan(ALLOWED);
    expect(reader.bytes).toBeGreaterThan(ANSWER);
  });
});

interface Reader {
  readonly socket: Socket;
  bytes: number;
  /** The last bytes that came. */
  tail: string;
}

/** A client that keeps nothing of what it reads. */
async function openReader(port: number, request: Buffer): Promise<Reader> {
  const socket = connect({ port, host: '127.0.0.1' });
  const reader: Reader = { socket, bytes: 0, tail: '' };
  socket.on('data', (piece: unknown) => {
    const bytes = piece as Buffer;
    reader.bytes += bytes.length;
    reader.tail = (reader.tail + bytes.subarray(-64).toString('latin1')).slice(-64);
  });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.write(request);
  return reader;
}
