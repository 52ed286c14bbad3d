import type { ResolvedPipeline } from '../definitions/resolved-pipeline.ts';
import type { RunRecord } from './run-log.ts';

/** One row: where the step stands, its name, its type, and what it did. */
export type RunRow = readonly [place: string, name: string, type: string, did: string];

/** What the table tells of a definition. */
export type TableSteps = Pick<ResolvedPipeline, 'processors' | 'modifiers' | 'backends'>;

/** These end a run in the step that they come from. */
const endedByStep = /^(?:REQUEST_BLOCKED|REQUEST_INVALID|PROCESSOR_\w+)$/;

/** What each step of a run did, in the order in which the data passed them. */
export function runRows({ processors, modifiers, backends }: TableSteps, record: RunRecord): RunRow[] {
  const { steps = {}, code = '', outcome } = record;
  const rows: RunRow[] = [];
  let reached = true;
  for (const { name, type } of processors) {
    const result = steps[name];
    const ended = reached && result === undefined && endedByStep.test(code);
    rows.push(['request', name, type, ended ? `ended the run: ${code}` : processorText(result)]);
    reached &&= result !== undefined && result !== 'answered';
  }
  const backend = backends.get(record.backend ?? '');
  if (reached && backend !== undefined) rows.push(['backend', backend.name, backend.type, backendText(backend)]);
  if (outcome !== 'ok' && record.firstContentMilliseconds === undefined) return rows;
  for (const { name, type, when } of modifiers)
    rows.push(['answer', name, type, modifierText(steps[name], type, when)]);
  return rows;
}

function processorText(result: string | number | undefined): string {
  switch (result) {
    case 'changed':
      return 'changed the request';
    case 'unchanged':
      return 'left the request as it was';
    case 'answered':
      return 'answered by itself';
    case 'left-out':
      return 'left out by its condition';
    default:
      return 'not reached';
  }
}

function backendText({ config, upstream }: { readonly config: object; readonly upstream?: unknown }): string {
  const { model } = config as { model?: unknown };
  const source = upstream === undefined ? '' : 'played from a script';
  return [typeof model === 'string' ? model : '', source].filter((part) => part !== '').join(', ');
}

function modifierText(result: string | number | undefined, type: string, when: string | undefined): string {
  if (result === undefined) return when === undefined ? 'no report' : 'left out by its condition';
  if (typeof result === 'string') return result;
  const verb = type.startsWith('mask') ? 'masked' : 'changed';
  return result === 0 ? `${verb} nothing` : `${verb} ${result}`;
}

/** Times, tokens and revision of a run, in one line. */
export function runSummary({
  firstContentMilliseconds,
  milliseconds,
  outcome,
  outputTokens,
  revision,
}: RunRecord): string {
  const parts = [
    firstContentMilliseconds === undefined ? '' : `first text after ${timeText(firstContentMilliseconds)}`,
    milliseconds === undefined ? '' : `${outcome === 'ok' ? 'complete' : 'over'} after ${timeText(milliseconds)}`,
    outputTokens === undefined ? '' : `${outputTokens} tokens`,
    revision === undefined ? '' : `revision ${revision}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function timeText(milliseconds: number): string {
  return milliseconds < 1_000 ? `${milliseconds} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}

/** The rows as lines with aligned columns. */
export function alignRows(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length);
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
