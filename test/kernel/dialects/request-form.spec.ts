import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { ChatRequest } from '../../../src/kernel/request.ts';
import type { ProcessorStep } from '../../../src/kernel/request-chain.ts';
import { chatRequests } from '../../support/chat-requests.ts';
import { events, passThrough, runSetUp, whole } from '../../support/processor-steps.ts';

describe('any request', () => {
  it('comes unchanged out of steps that change nothing', async () => {
    const wait = events(async (event, output) => {
      output.push(event);
    });
    const keep = whole(() => undefined);
    const same = whole((request) => request);
    const stepOf = fc.constantFrom<ProcessorStep>(passThrough(), wait, keep, same);
    await fc.assert(
      fc.asyncProperty(chatRequests, fc.array(stepOf, { maxLength: 4 }), async (request, steps) => {
        const before = copyOf(request);
        const result = await runSetUp().process([passThrough(), ...steps], request);
        expectSame(result, before);
        expectSame({ request }, before);
      }),
      { numRuns: 200 },
    );
  });

  it('may have its text cut into any pieces by a step', () => {
    const cut = (size: number): ProcessorStep =>
      events((event, output) => {
        if (event.type !== 'text.delta' || event.text === '') return output.push(event);
        for (let start = 0; start < event.text.length; start += size)
          output.push({ ...event, text: event.text.slice(start, start + size) });
      });
    fc.assert(
      fc.property(chatRequests, fc.integer({ min: 1, max: 5 }), (request, size) => {
        expectSame(runSetUp().process([cut(size), cut(1)], request), request);
      }),
      { numRuns: 100 },
    );
  });
});

/** Requests are JSON, so this is one. */
const copyOf = (request: ChatRequest): ChatRequest => JSON.parse(JSON.stringify(request)) as ChatRequest;

/** Equal to the last key: absent is not undefined, and a key may be called `constructor`. */
function expectSame(result: unknown, request: ChatRequest): void {
  expect(result).toEqual({ request });
  expect(isDeepStrictEqual(result, { request })).toBe(true);
}
