import { expect, it } from '@jest/globals';
import { errorTable, type ErrorCode } from '../../src/kernel/error-table.ts';
import type { ProbeClient } from '../support/probe-client.ts';
import { codeFor, forms, seenBy, type Form } from './seen.ts';
import { openStage, type Stage, type StageOptions } from './stage.ts';

/** One fault: what the provider does, and what comes of it for client, log, figures and provider. */
export interface FaultCase {
  readonly name: string;
  readonly stage: StageOptions;
  /** Forms in which it is played; default all. */
  readonly forms?: readonly Form[];
  /** Brings the fault about once the question was sent. */
  readonly drive?: (stage: Stage, client: ProbeClient) => Promise<unknown>;
  /** The error; absent where the answer is complete. */
  readonly code?: ErrorCode;
  /** Status of the error before the head is committed; default that of the table. */
  readonly status?: number;
  /**
   * The text that the client has. With a code: the head was committed before the failure, so a stream ends with the
   * error frame, while a document is just the error. Without text the failure has its status in all forms.
   */
  readonly text?: string;
  readonly retryAfter?: string;
  readonly heartbeats?: number;
  /** Requests that the provider saw; default 1. */
  readonly requests?: number;
}

/** Makes one test per case and form. */
export function playFaults(cases: readonly FaultCase[]): void {
  const table = cases.flatMap((fault) =>
    (fault.forms ?? forms).map((form) => [`${fault.name} (${form})`, fault, form] as const),
  );
  it.each(table)('%s', async (_name, fault, form) => {
    const stage = await openStage(fault.stage);
    const client = await stage.ask(form);
    await fault.drive?.(stage, client);
    await expectFault(fault, form, stage, client);
  });
}

async function expectFault(fault: FaultCase, form: Form, stage: Stage, client: ProbeClient): Promise<void> {
  const { code } = fault;
  const seen = await seenBy(client, form);
  if (code === undefined)
    expect(seen).toMatchObject({ status: 200, end: 'ok', code: undefined, text: fault.text ?? '' });
  else await expectError(fault, code, form, client);
  expect(seen.retryAfter).toBe(fault.retryAfter);
  if (form.endsWith('stream') && fault.heartbeats !== undefined) expect(seen.heartbeats).toBe(fault.heartbeats);
  expectAccount(stage, code);
  expect(stage.upstream.requests.length).toBe(fault.requests ?? 1);
}

async function expectError(fault: FaultCase, code: ErrorCode, form: Form, client: ProbeClient): Promise<void> {
  const { text } = fault;
  const seen = await seenBy(client, form);
  const named = { code: codeFor(code, form), end: 'error', finishReason: undefined };
  if (text !== undefined && form.endsWith('stream')) {
    expect(seen).toMatchObject({ ...named, status: 200, type: 'stream', text });
    return;
  }
  const status = fault.status ?? errorTable[code].status;
  expect(seen).toMatchObject({ ...named, status, type: 'document' });
  const response = await client.response();
  const { headers } = response;
  const requestId = headers['x-sluice-run'];
  expect(requestId).toMatch(/^[\w-]{36}$/);
  if (form.startsWith('native')) {
    expect(headers['content-type']).toBe('application/problem+json');
    const { retryable } = errorTable[code];
    expect(response.json()).toMatchObject({ type: `urn:sluice:error:${code}`, status, requestId, retryable });
    return;
  }
  expect(headers['content-type']).toBe('application/json');
  const error = {
    message: expect.any(String),
    type: expect.any(String),
    param: null,
    code: named.code,
    request_id: requestId,
  };
  expect(response.json()).toEqual({ error });
}

/** One run, one line, one count. */
function expectAccount(stage: Stage, code: ErrorCode | undefined): void {
  const outcome = code === undefined ? 'ok' : 'error';
  expect(stage.ended().map(({ level, fields }) => [level, fields['outcome'], fields['code']])).toEqual([
    [code === undefined ? 'info' : 'warn', outcome, code],
  ]);
  expect(runCounts(stage)).toEqual({ [`runs_${outcome}`]: 1 });
}

/** The counters of ends that are not zero. */
export function runCounts(stage: Stage): Readonly<Record<string, number>> {
  const all = Object.entries(stage.sluice.engine.metrics());
  return Object.fromEntries(all.filter(([name, count]) => name.startsWith('runs_') && count > 0));
}
