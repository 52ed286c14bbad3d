import type { AnyComponent } from '../../src/kernel/component.ts';
import { openStage, type Stage, type StageOptions } from '../faults/stage.ts';
import { answerFrames } from '../support/openai-stream.ts';
import { streaming } from '../support/scenario.ts';
import { eventually } from '../support/turn.ts';
import { registryWith } from './review-components.ts';

/** A good answer: "the plan", in two pieces. */
export const answer = streaming(answerFrames({ text: ['the ', 'plan'] }));

/** A step of a definition, named like its type. */
export function step(type: string, onError = 'fail'): object {
  return { name: type, type, config: {}, onError };
}

export interface ReviewOptions extends Pick<StageOptions, 'upstream'> {
  /** Beside those of the product. */
  readonly components: readonly AnyComponent[];
  readonly modifiers?: readonly object[];
  readonly processors?: readonly object[];
}

/** An engine with these components and a provider that gives the good answer, or what is said. */
export async function openReview({
  components,
  upstream = answer,
  modifiers = [],
  processors = [],
}: ReviewOptions): Promise<Stage> {
  return openStage({ registry: await registryWith(...components), upstream, definition: { modifiers, processors } });
}

/** The record of the last run, of which nothing is left. */
export async function lastRecordOf(stage: Stage): Promise<Readonly<Record<string, unknown>>> {
  const { sluice } = stage;
  const hasEnded = (): boolean => sluice.metric('streams_live') + sluice.metric('upstream_calls_live') === 0;
  await eventually(hasEnded, 'the end of the run');
  return stage.ended().at(-1)?.fields ?? {};
}

/** The same of the only run. */
export async function recordOf(stage: Stage): Promise<Readonly<Record<string, unknown>>> {
  const record = await lastRecordOf(stage);
  if (stage.ended().length !== 1) throw new Error(`There are ${stage.ended().length} records.`);
  return record;
}
