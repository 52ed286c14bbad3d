import { describe, expect, it } from '@jest/globals';
import type { AnswerEvent, RequestEvent } from '../../src/kernel/event.ts';
import { lastUserText, type ChatRequest } from '../../src/kernel/request.ts';
import type { ProcessedRequest, ProcessorStep } from '../../src/kernel/request-chain.ts';
import {
  events,
  passThrough,
  rewrite,
  runSetUp,
  say,
  stepOf,
  textOf,
  unfolded,
  whole,
} from '../support/processor-steps.ts';
import { turn } from '../support/turn.ts';

describe('a chain of processors', () => {
  it('without steps gives the request itself', () => {
    const request = say('hi');
    expect(runSetUp().process([], request)).toEqual({ request });
  });

  it('runs in order and stays synchronous', () => {
    const result = runSetUp().process([
      rewrite((text) => `${text}1`),
      whole((request) => say(`${lastUserText(request)}2`)),
      rewrite((text) => `${text}3`),
    ]);
    expect(result).not.toBeInstanceOf(Promise);
    expect(textOf(result as ProcessedRequest)).toBe('hi123');
  });

  it('goes on after a step that waited, and says so', async () => {
    const { process, shown } = runSetUp();
    const slow = whole(
      async (request, _output, run) => {
        run.progress('slow', 'half');
        await turn();
        return say(`${lastUserText(request)}2`);
      },
      { name: 'slow' },
    );
    const result = process([rewrite((text) => `${text}1`), slow, rewrite((text) => `${text}3`)]);
    expect(result).toBeInstanceOf(Promise);
    expect(textOf(await result)).toBe('hi123');
    expect(shown).toEqual(['progress slow half', 'wait slow', 'end slow']);
  });

  it('may wait at any event', async () => {
    const { process } = runSetUp();
    const slow = events(async (event, output) => {
      await turn();
      output.push(event);
    });
    const mixed = events((event, output) =>
      event.type === 'text.delta' ? turn().then(() => output.push(event)) : output.push(event),
    );
    expect(await process([slow, mixed, passThrough()], say('hi'))).toEqual({ request: say('hi') });
  });

  it('keeps the request where a step returns undefined, and takes what it pushes instead', () => {
    const { process } = runSetUp();
    expect(process([whole(() => undefined)])).toEqual({ request: say('hi') });
    const pushing = whole((_request, output) => {
      for (const event of unfolded('new')) output.push(event);
      return undefined;
    });
    expect(process([pushing])).toEqual({ request: say('new') });
  });

  it('deletes what is not pushed and inserts what is pushed more', () => {
    const { process } = runSetUp();
    const insert = events((event, output) => {
      if (event.type === 'text.delta') output.push({ ...event, text: 'before ' });
      output.push(event);
      if (event.type === 'request.start') for (const added of unfolded('system').slice(1, -1)) output.push(added);
    });
    const result = process([insert]) as { request: ChatRequest };
    expect(result.request.messages.map(({ content }) => content[0]?.text)).toEqual(['system', 'before hi']);
    const drop = events((event, output) => (event.type === 'text.delta' ? undefined : output.push(event)));
    expect(process([drop])).toEqual({
      request: { ...say(''), messages: [{ role: 'user', content: [{ kind: 'text' }] }] },
    });
  });

  it('takes a medium whose type comes with its bytes', () => {
    const attach = events((event, output) => {
      output.push(event);
      if (event.type !== 'message.start') return;
      output.push({ type: 'block.start', blockId: 'picture', kind: 'image', role: 'user' });
      output.push({ type: 'media.delta', blockId: 'picture', mediaType: 'image/png', base64: 'AA' });
      output.push({ type: 'media.delta', blockId: 'picture', base64: 'BB' });
      output.push({ type: 'block.end', blockId: 'picture' });
    });
    const result = runSetUp().process([attach]) as { request: ChatRequest };
    expect(result.request.messages[0]?.content).toEqual([
      { kind: 'image', mediaType: 'image/png', base64: 'AABB' },
      { kind: 'text', text: 'hi' },
    ]);
  });

  it('hands the same events from step to step', () => {
    const seen: RequestEvent[][] = [[], []];
    const watch = (at: number): ProcessorStep =>
      events((event, output) => {
        seen[at]?.push(event);
        output.push(event);
      });
    void runSetUp().process([watch(0), watch(1)]);
    expect(seen[1]).toHaveLength(7);
    expect(seen[1]?.every((event, index) => event === seen[0]?.[index])).toBe(true);
  });

  it('asks for a condition with the request as it is by then', () => {
    const when = (request: ChatRequest): boolean => lastUserText(request) === 'hi1';
    const { process } = runSetUp();
    expect(
      textOf(
        process([
          rewrite((text) => `${text}1`),
          { ...rewrite((text) => `${text}2`), when },
          { ...rewrite((text) => `${text}3`), when },
        ]) as ProcessedRequest,
      ),
    ).toBe('hi12');
  });

  it.each([
    [true, 'hi!'],
    [false, 'hi'],
  ])('a condition that throws counts as %s for a guard of that kind', (guard, expected) => {
    const { process, log } = runSetUp();
    const when = (): boolean => {
      throw new Error('no');
    };
    expect(textOf(process([{ ...rewrite((text) => `${text}!`), guard, when }]) as ProcessedRequest)).toBe(expected);
    expect(log.messages('warn')).toEqual(['The condition of a processor failed']);
  });

  it('does nothing for a processor without a method', () => {
    expect(runSetUp().process([stepOf({})])).toEqual({ request: say('hi') });
  });
});

describe('an early answer', () => {
  const answer: AnswerEvent[] = [{ type: 'text.delta', blockId: 'b', role: 'assistant', text: 'cached' }];

  it.each<[string, ProcessorStep]>([
    ['from an event', events((_event, output) => output.answer(answer))],
    [
      'from the whole',
      whole((_request, output) => {
        output.answer(answer);
        return undefined;
      }),
    ],
    [
      'after a wait',
      whole(async (_request, output) => {
        await turn();
        output.answer(answer);
        return undefined;
      }),
    ],
  ])('%s ends the chain', async (_what, first) => {
    let later = 0;
    const result = await runSetUp().process([
      first,
      events(() => {
        later += 1;
      }),
    ]);
    expect(result).toEqual({ answer });
    expect(later).toBe(0);
  });

  it('is the last thing that a step says', () => {
    const { process, meter } = runSetUp();
    let calls = 0;
    const eager = events((event, output) => {
      calls += 1;
      output.answer(answer);
      output.push(event);
      output.answer([]);
    });
    expect(process([eager])).toEqual({ answer });
    expect([calls, meter.value('events_after_end')]).toEqual([1, 1]);
  });
});
