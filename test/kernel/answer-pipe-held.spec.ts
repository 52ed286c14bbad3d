import { describe, expect, it } from '@jest/globals';
import { AnswerPipe } from '../../src/kernel/answer-pipe.ts';
import type { StreamEncoder } from '../../src/kernel/component.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { testRun } from '../support/test-run.ts';

/*
 * What comes before the first content is held as it left the modifiers, and the encoder has not seen it.
 */

interface Held {
  readonly pipe: AnswerPipe;
  readonly encoded: string[];
  readonly written: string[];
  readonly began: () => number;
  readonly ends: () => number;
}

function open(): Held {
  const encoded: string[] = [];
  const written: string[] = [];
  let [began, ends] = [0, 0];
  const encoder: StreamEncoder = {
    heartbeat: '',
    encode: ({ type }) => {
      encoded.push(type);
      return `${type};`;
    },
    encodeText: () => '',
    copies: () => false,
    fail: () => '',
    end: () => 'end;',
  };
  const pipe = new AnswerPipe({
    run: testRun().run,
    choices: 1,
    sameDialect: false,
    modifiers: () => [],
    encoder,
    counters: { pass: 0, scan: 0, splice: 0, slow: 0 },
    output: {
      write: (frames) => void written.push(frames),
      complete: (frames) => {
        ends += 1;
        written.push(frames);
      },
      pause: () => undefined,
      began: () => void (began += 1),
      ended: () => undefined,
      fail: () => undefined,
    },
  });
  return { pipe, encoded, written, began: () => began, ends: () => ends };
}

const meta: AnswerEvent = { type: 'response.meta', responseId: 'a' };
const start: AnswerEvent = { type: 'block.start', blockId: 'b', kind: 'text', role: 'assistant' };
const text: AnswerEvent = { type: 'text.delta', blockId: 'b', role: 'assistant', text: 'hi' };

describe('an answer without content yet', () => {
  it('is neither encoded nor written, and can be taken back', () => {
    const { pipe, encoded, written, began } = open();
    pipe.push([meta, start]);
    pipe.flush();
    expect([encoded, written, pipe.hasLeft, began()]).toEqual([[], [], false, 0]);
    pipe.close();
    pipe.push([text]);
    pipe.flush();
    expect([encoded, written]).toEqual([[], []]);
  });

  it('leaves in its order with the first content', () => {
    const { pipe, written, began } = open();
    pipe.push([meta]);
    pipe.push([start]);
    pipe.push([text, { ...text, text: 'ho' }]);
    pipe.flush();
    expect(written).toEqual(['response.meta;block.start;text.delta;text.delta;']);
    expect([pipe.hasLeft, began()]).toEqual([true, 1]);
  });

  it('leaves with the end where there is none', () => {
    const { pipe, written, began, ends } = open();
    pipe.push([meta]);
    pipe.push([{ type: 'stream.end', outcome: 'ok' }]);
    expect(written).toEqual(['response.meta;finish;end;']);
    expect([began(), ends()]).toEqual([1, 1]);
  });

  it('is not held without a bound', () => {
    const { pipe, encoded } = open();
    for (let count = 0; count < 10_000 && !pipe.hasLeft; count += 1) pipe.push([meta]);
    expect(pipe.hasLeft).toBe(true);
    expect(encoded.length).toBeLessThan(4_200);
  });
});
