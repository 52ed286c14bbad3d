import type { PipelinePlan, PlannedStep } from '../compile/plan.ts';
import type { Channel, StreamPolicy } from '../kernel/modifier.ts';
import { alignRows } from './run-table.ts';

/** A plan for a person: one line about the whole, then a row for each step in the order in which the answer passes them. */
export function planLines({ mode, maxHeldCharacters, steps }: PipelinePlan): string[] {
  const held = maxHeldCharacters === 'whole' ? 'the whole answer' : characters(maxHeldCharacters);
  const summary = `mode ${mode}, holds back ${held}`;
  if (steps.length === 0) return [`${summary}; no modifiers`];
  return [summary, ...alignRows([['step', 'type', 'works on', 'policy', ''], ...steps.map(stepRow)])];
}

function stepRow(step: PlannedStep): readonly string[] {
  const { name, type, policy, guard, conditional, phase } = step;
  const remarks = [guard && 'guard', conditional && 'conditional', phase === 'end' && 'at the end'];
  return [name, type, workText(step), policyText(policy), remarks.filter((remark) => remark !== false).join(', ')];
}

const effects = { read: 'reads', text: 'rewrites', events: 'whole events, reads' } as const;
const channelNames: Partial<Record<Channel, string>> = { toolArguments: 'tool arguments' };

function workText({ effect, channels }: PlannedStep): string {
  return `${effects[effect]} ${channels.map((channel) => channelNames[channel] ?? channel).join(', ')}`;
}

function policyText(policy: StreamPolicy): string {
  switch (policy.mode) {
    case 'live':
      return 'live';
    case 'window':
      return `window of ${characters(policy.maxHeldCharacters)}`;
    case 'buffer':
      return 'buffer';
  }
}

function characters(count: number): string {
  if (count === 0) return 'nothing';
  return `${count} character${count === 1 ? '' : 's'}`;
}
