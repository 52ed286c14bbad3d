import { frameWayNames } from './frame-ways.ts';
import type { ChainCost, InsideFigures, LongAnswer, StreamMemory, TokenCost, TokenStampede } from './inside-figures.ts';
import { figure, percent, table, times } from './markdown.ts';
import type { PatternSetFigure } from './pattern-set.ts';

function chainRow({ chain, perEvent, added, addedInReadsOf8, ways }: ChainCost): string[] {
  const total = Math.max(
    1,
    frameWayNames.reduce((sum, way) => sum + ways[way], 0),
  );
  return [
    chain,
    perEvent.toFixed(2),
    added.toFixed(2),
    addedInReadsOf8.toFixed(2),
    ...frameWayNames.map((way) => percent(ways[way] / total)),
  ];
}

function chainSection(chains: readonly ChainCost[]): string[] {
  if (chains.length === 0) return [];
  const header = ['modifiers', 'us CPU/event', 'added us', 'added us, 8 a read', ...frameWayNames];
  return ['### Modifiers inside of a process: the burst, no HTTP', table(header, chains.map(chainRow))];
}

function memorySection(memory: readonly StreamMemory[]): string[] {
  if (memory.length === 0) return [];
  const rows = memory.map(({ chain, kilobytes }, index) => [chain, `${index === 0 ? '' : '+'}${figure(kilobytes)}`]);
  return ['### Heap of a stream in the middle of its text', table(['modifiers', 'KB per stream'], rows)];
}

function longAnswerSection(answers: readonly LongAnswer[]): string[] {
  if (answers.length === 0) return [];
  const rows = answers.map(({ modifier, policy, perToken, growth }) => [
    modifier,
    policy,
    perToken.toFixed(2),
    times(growth),
  ]);
  const header = ['modifiers', 'policy, most UTF-16 units held', 'us CPU/token', '20,000 by 10,000'];
  return ['### Answers of 10,000 and of 20,000 tokens, inside of a process', table(header, rows)];
}

function patternSection(patternSet: readonly PatternSetFigure[]): string[] {
  if (patternSet.length === 0) return [];
  const rows = patternSet.map((set) => [
    set.patterns,
    figure(set.plain),
    figure(set.plainDeltas),
    figure(set.matching),
    figure(set.buildMilliseconds),
  ]);
  return [
    '### Pattern set, 1 MB of prose',
    table(['patterns', 'MB/s', 'in deltas MB/s', 'matching MB/s', 'build ms'], rows),
  ];
}

function tokenSection(tokens: readonly TokenCost[]): string[] {
  if (tokens.length === 0) return [];
  const rows = tokens.map(({ provider, perToken, addedPerRequest }) => [
    provider,
    perToken.toFixed(0),
    addedPerRequest.toFixed(0),
  ]);
  return [
    '### A token that is there, inside of a process: each came at once, none as a promise',
    table(['token provider', 'ns CPU/getToken', 'added ns CPU/request'], rows),
  ];
}

function stampedeSection(stampedes: readonly TokenStampede[]): string[] {
  if (stampedes.length === 0) return [];
  const rows = stampedes.map(({ when, runs, waiting, calls, tokens }) => [
    when,
    ...[runs, waiting, calls, tokens].map((count) => count.toLocaleString('en-US')),
  ]);
  return [
    '### A cached token, asked for by many runs at once',
    table(['when', 'runs', 'that waited', 'calls of the token server', 'tokens'], rows),
  ];
}

/** The tables of what was measured inside of a process. */
export function insideSections(figures: InsideFigures): string[] {
  const { chains, memory, longAnswers, patternSet, tokens, stampedes } = figures;
  return [
    ...chainSection(chains),
    ...memorySection(memory),
    ...longAnswerSection(longAnswers),
    ...patternSection(patternSet),
    ...tokenSection(tokens),
    ...stampedeSection(stampedes),
  ];
}
