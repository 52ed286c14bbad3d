import { writeFileSync } from 'node:fs';
import { startProduct, writePipelines } from '../product.mjs';
import { cutStreams } from './cut-streams.mjs';
import { readDirectly } from './direct/read-directly.mjs';
import { knownFailures, knownReason } from './known.mjs';
import { pipelinesFor } from './pipelines.mjs';
import { print, printRow, Progress } from './progress.mjs';
import { hasRecordings, listRecordings } from './recordings.mjs';
import { asksPerRecording, clients, replayAll } from './replay.mjs';
import { askedBy, resultsPage, short } from './results-page.mjs';
import { ReplayTable, totalCells } from './table.mjs';
import { startReplayUpstream } from './upstream.mjs';

const page = new URL('RESULTS.md', import.meta.url);

if (hasRecordings) process.exitCode = await run();
else print('SKIPPED: the recorded streams (../shared/fixtures) are not there.');

/** Resolves to the exit code. */
async function run() {
  const all = listRecordings();
  const whole = all.filter(({ backend }) => backend !== undefined);
  const recordings = [...whole, ...cutStreams(whole)];
  const table = new ReplayTable(recordings);
  for (const recording of recordings) if (readDirectly(recording).outcome !== 'answer') table.countError(recording);
  print(
    `Replaying ${whole.length} recordings, and streams that are cut, through ${clients.length} clients, with and without modifiers.\n`,
  );
  const failures = await replayThroughProduct(recordings, table);
  printRow(totalCells(table.rows));

  const known = failures.map((failure) => ({ ...failure, reason: knownReason(failure)?.reason }));
  const unexplained = known.filter(({ reason }) => reason === undefined);
  const stale = knownFailures.filter(({ client, example }) => isStale(client, example, recordings, failures));
  const notBuilt = [
    ...countBy(
      all.filter(({ backend }) => backend === undefined),
      ({ format }) => format,
    ),
  ];
  const totals = countTotals(recordings, failures, all.length - whole.length);
  printFailures(known, stale);
  print('\nNot built:');
  for (const [what, count] of notBuilt) print(`  ${what}: ${count}`);
  print(`\n${totals}`);
  writeFileSync(page, resultsPage({ rows: table.rows, failures: known, notBuilt, totals }));
  return unexplained.length + stale.length > 0 ? 1 : 0;
}

async function replayThroughProduct(recordings, table) {
  const failures = [];
  const upstream = await startReplayUpstream(recordings);
  const pipelines = writePipelines(pipelinesFor(recordings, upstream.origin));
  const product = await startProduct(pipelines.folder, { SLUICE_LOG_LEVEL: 'error' });
  const progress = new Progress(table, recordings.length * asksPerRecording);
  try {
    await replayAll(recordings, product.origin, (job, found) => {
      table.count(job, found.length === 0);
      failures.push(...found);
      progress.step();
    });
  } finally {
    if (!product.alive()) print(`The product has ended:\n${product.log()}`);
    await product.stop();
    await upstream.close();
    pipelines.remove();
  }
  const place = ({ file, client, chain = '', field }) => `${file} ${client} ${chain} ${field}`;
  return failures.sort((a, b) => (place(a) < place(b) ? -1 : 1));
}

/** A known failure that no longer fails has to leave the list. */
function isStale(client, example, recordings, failures) {
  return (
    recordings.some(({ file }) => file === example) &&
    !failures.some((failure) => failure.file === example && failure.client === client)
  );
}

function printFailures(failures, stale) {
  if (failures.length > 0) print('\nFailures:');
  for (const { file, field, expected, got, reason, ...by } of failures) {
    print(`  ${file}  ${askedBy(by)}  ${field}\n    expected ${short(expected)}\n    got      ${short(got)}`);
    print(`    ${reason === undefined ? 'NOT EXPLAINED' : `known: ${reason}`}`);
  }
  for (const { example, client } of stale) print(`\nKnown to fail, and passes: ${example}  ${client}`);
}

function countTotals(recordings, failures, notBuilt) {
  const failed = new Set(failures.map(({ file, ...by }) => `${askedBy(by)} ${file}`)).size;
  return `${recordings.length * asksPerRecording - failed} passed, ${failed} failed, ${notBuilt} not built`;
}

function countBy(items, key) {
  const counts = new Map();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return counts;
}
