import { describe, expect, it } from '@jest/globals';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { sseFrame } from '../../src/kernel/sse-frame.ts';

function read(frames: string): readonly EventSourceMessage[] {
  const events: EventSourceMessage[] = [];
  createParser({ onEvent: (event) => events.push(event) }).feed(Buffer.from(frames, 'latin1').toString('utf8'));
  return events;
}

describe('an SSE frame', () => {
  it.each([
    [['{"a":1}'], 'data: {"a":1}\n\n'],
    [['x', 'ping', '7'], 'id: 7\nevent: ping\ndata: x\n\n'],
    [['a\r\nb\rc\nd'], 'data: a\ndata: b\ndata: c\ndata: d\n\n'],
    [['x\n\nevent: evil\ndata: y'], 'data: x\ndata: \ndata: event: evil\ndata: data: y\n\n'],
    [['é'], 'data: \xc3\xa9\n\n'],
  ])('of %j', ([data = '', event, id], expected) => {
    expect(sseFrame(data, event, id)).toBe(expected);
  });

  it.each(['a\nb', 'a\rb', 'a\0b', '\n'])('refuses %j as a name or an id', (value) => {
    expect(() => sseFrame('x', value)).toThrow('may not hold');
    expect(() => sseFrame('x', '', value)).toThrow('may not hold');
  });

  it('is one event with exactly its data, whatever the data is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter((text) => text.isWellFormed() && text !== ''),
        (text) => {
          const events = read(sseFrame(text) + sseFrame('next'));
          expect(events.map(({ data }) => data)).toEqual([text.replaceAll(/\r\n|\r/g, '\n'), 'next']);
        },
      ),
    );
  });
});
