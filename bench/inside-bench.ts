import { chainCosts } from './chain-cost.ts';
import { errorMessage } from './error-message.ts';
import type { InsideFigures, InsideJob } from './inside-figures.ts';
import { longAnswers } from './long-answers.ts';
import { measurePatternSet } from './pattern-set.ts';
import { streamMemory } from './stream-memory.ts';
import { tokenCosts, tokenStampedes } from './token-speed.ts';

/*
 * What modifiers and tokens cost inside of one process, without HTTP. Started by run.ts with an IPC channel and `--expose-gc`; it
 * reads the sources, not `dist/`. By hand: `node --expose-gc bench/inside-bench.ts`.
 */

const byHand: InsideJob = {
  modifiers: true,
  patternSet: true,
  tokens: true,
  turns: 15,
  answers: 40,
  openStreams: 500,
  plays: 3,
  milliseconds: 100,
  eachKind: true,
};

/** The cost of an event comes first: later parts teach the compiler other ways. */
async function measure(job: InsideJob): Promise<InsideFigures> {
  return {
    chains: job.modifiers ? chainCosts(job) : [],
    memory: job.modifiers ? streamMemory(job) : [],
    longAnswers: job.modifiers ? longAnswers(job) : [],
    patternSet: job.patternSet ? measurePatternSet(job.milliseconds, job.eachKind) : [],
    tokens: job.tokens ? await tokenCosts(job) : [],
    stampedes: job.tokens ? await tokenStampedes() : [],
  };
}

if (process.send === undefined) {
  const { chains, ...others } = await measure(byHand);
  console.table(chains.map(({ ways, ...figures }) => ({ ...figures, ...ways })));
  for (const figures of Object.values(others)) console.table(figures);
} else {
  process.once('message', (job) => {
    measure(job as InsideJob).then(
      (figures) => {
        process.send?.({ figures });
        process.disconnect?.();
      },
      // What is said before the end is what the bench tells of a process that has no figures.
      (error: unknown) => {
        process.stderr.write(`${errorMessage(error)}\n`);
        process.exit(1);
      },
    );
  });
}
