import { AnswerChain } from '../../src/kernel/answer-chain.ts';
import type { Capabilities } from '../../src/kernel/capability.ts';
import type { ModifierComponent } from '../../src/kernel/component.ts';
import type { Modifier } from '../../src/kernel/modifier.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent, BlockKind } from '../../src/kernel/event.ts';
import { createInstance } from './component-instance.ts';
import { testRun, type TestRun } from './test-run.ts';

export interface PlayedAnswer extends TestRun {
  readonly chain: AnswerChain;
  readonly left: readonly AnswerEvent[];
  readonly failures: readonly SluiceError[];
  /** Every pause (true) and its end. */
  readonly pauses: readonly boolean[];
  /** All text that has left, reasoning and refusals too. */
  text(): string;
}

/** One modifier in the chain of the engine, with what it asks. */
export function playAnswer(
  component: ModifierComponent,
  config: Record<string, unknown>,
  world: Partial<Pick<Capabilities, 'http' | 'pipelines'>>,
  params: Record<string, unknown> = {},
): PlayedAnswer {
  const test = testRun();
  const modifier: Modifier = createInstance(component, config, { ...test.capabilities, ...world });
  const left: AnswerEvent[] = [];
  const failures: SluiceError[] = [];
  const pauses: boolean[] = [];
  const bound = { name: component.type, guard: component.guard, onError: 'fail', modifier } as const;
  const chain = new AnswerChain([bound], { ...test.run, params }, (event) => void left.push(event), {
    choices: 2,
    onEnded: () => undefined,
    onPause: (paused) => void pauses.push(paused),
    onResumed: () => undefined,
    onFailure: (error) => void failures.push(error),
  });
  const text = (): string => left.map((event) => (event.type === 'text.delta' ? event.text : '')).join('');
  return { ...test, chain, left, failures, pauses, text };
}

const role = 'assistant';

/** An answer of one block, whose text comes in these pieces. */
export function answerOf(pieces: readonly string[], kind: BlockKind = 'text'): readonly AnswerEvent[] {
  return [
    { type: 'block.start', blockId: 'b0', kind, role },
    ...pieces.map((piece): AnswerEvent =>
      kind === 'tool_call'
        ? { type: 'toolArgs.delta', blockId: 'b0', json: piece }
        : { type: 'text.delta', blockId: 'b0', role, text: piece },
    ),
    { type: 'block.end', blockId: 'b0', final: 'the whole' },
    { type: 'finish', reason: { unified: 'stop' } },
    { type: 'stream.end', outcome: 'ok' },
  ];
}
