import { describe, expect, it } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { everySplit, feedTransient, sseCases } from './sse-cases.ts';

describe('sseCases', () => {
  it('gives all rows of the table', () => {
    const cases = sseCases();
    expect(cases.length).toBe(83);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(83);
    expect(cases[0]).toMatchObject({
      bytes: Buffer.from('data: hello\n\n'),
      events: [{ event: 'message', data: 'hello', lastEventId: '' }],
      retry: null,
    });
  });

  it.each(sseCases().map((row) => [row.name, row] as const))(
    'is what an independent parser says too, in every split: %s',
    (_name, row) => {
      for (const { chunks } of everySplit(row.bytes)) {
        const events: { event: string; data: string; lastEventId: string }[] = [];
        let lastEventId = '';
        let retry: number | null = null;
        const parser = createParser({
          onId: (id) => (lastEventId = id),
          onRetry: (milliseconds) => (retry = milliseconds),
          onEvent: ({ event, data }) => events.push({ event: event ?? 'message', data, lastEventId }),
        });
        const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
        feedTransient(chunks, (chunk) => parser.feed(decoder.decode(chunk, { stream: true })));
        expect({ events, lastEventId, retry }).toEqual({
          events: row.events,
          lastEventId: row.lastEventId,
          retry: row.retry,
        });
      }
    },
  );
});

describe('everySplit', () => {
  it('gives the same bytes in every arrival', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const arrivals = [...everySplit(bytes)];
        for (const { chunks } of arrivals) expect(Buffer.concat(chunks)).toEqual(Buffer.from(bytes));
        expect(arrivals.length).toBe(3 + 2 * Math.max(0, bytes.length - 1));
      }),
    );
  });

  it('gives copies, so that a reader which keeps a chunk is found out', () => {
    const bytes = Buffer.from('abc');
    const kept: Buffer[] = [];
    for (const { chunks } of everySplit(bytes)) feedTransient(chunks, (chunk) => kept.push(chunk));
    expect(bytes.toString()).toBe('abc');
    expect(Buffer.concat(kept).every((byte) => byte === 0xff)).toBe(true);
  });
});
