import { configureGlobal } from 'fast-check';

/*
 * Loaded by Jest before every spec. FC_NUM_RUNS sets how often each property is tried; without it fast-check's own
 * number holds. A seed that failed is printed by fast-check and can be replayed with FC_SEED.
 */
const runs = Number(process.env['FC_NUM_RUNS'] ?? '');
const seed = Number(process.env['FC_SEED'] ?? '');

configureGlobal({
  ...(Number.isSafeInteger(runs) && runs > 0 ? { numRuns: runs } : {}),
  ...(Number.isSafeInteger(seed) && seed !== 0 ? { seed } : {}),
});
