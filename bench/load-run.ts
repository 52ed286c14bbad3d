import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerSummary } from './answer-reader.ts';
import { chatRequest } from './chat-request.ts';
import { cpuMicroseconds } from './cpu-meter.ts';
import { dialects } from './dialects.ts';
import { LoadConnection } from './load-connection.ts';
import type { LoadJob, LoadResult } from './load-job.ts';
import { percentile } from './statistics.ts';

/** After this many errors no further request is sent: the system is broken, not slow. */
const maxErrors = 200;
/** First-byte times kept of one window. */
const maxSamples = 500_000;
/** How long the last answers may take after the window. */
const drainMilliseconds = 4_000;

interface Snapshot {
  readonly at: number;
  readonly answers: number;
  readonly bodyBytes: number;
  readonly cpu: number | undefined;
}

/** Counts errors by what they say. */
export class ErrorCounts {
  readonly counts: Record<string, number> = {};
  total = 0;

  add(message: string): void {
    this.counts[message] = (this.counts[message] ?? 0) + 1;
    this.total++;
  }
}

/** One measurement: starts the connections, counts inside the window, waits for the last answers, closes. */
export class LoadRun {
  readonly #job: LoadJob;
  readonly #request: Buffer;
  readonly #terminator: string;
  readonly #connections = new Set<LoadConnection>();
  readonly #errors = new ErrorCounts();
  readonly #samples = new Float64Array(maxSamples);
  #sampleCount = 0;
  #answers = 0;
  #bodyBytes = 0;
  #measuring = false;
  #stopping = false;

  constructor(job: LoadJob) {
    this.#job = job;
    this.#request = chatRequest(job.target);
    this.#terminator = job.target.stream ? dialects[job.target.dialect].terminator : '}';
  }

  async run(): Promise<LoadResult> {
    await this.#startConnections();
    await sleep(this.#job.rampMilliseconds);
    const before = this.#snapshot();
    this.#measuring = true;
    await sleep(this.#job.measureMilliseconds);
    this.#measuring = false;
    const after = this.#snapshot();
    this.#stopping = true;
    await this.#drain();
    return this.#result(before, after);
  }

  /** Connection i starts at i/n of the spread. */
  async #startConnections(): Promise<void> {
    const startedAt = performance.now();
    for (let index = 0; index < this.#job.connections; index++) {
      const due = (index / this.#job.connections) * this.#job.spreadMilliseconds;
      const wait = due - (performance.now() - startedAt);
      if (wait >= 1) await sleep(wait);
      this.#connect();
    }
  }

  #connect(): void {
    const connection: LoadConnection = new LoadConnection(this.#job.target.port, this.#request, {
      firstByte: (milliseconds) => this.#firstByte(milliseconds),
      body: (_bytes, start, end) => (this.#bodyBytes += end - start),
      end: (summary) => this.#end(connection, summary),
      closed: (reason, inAnswer) => this.#closed(connection, reason, inAnswer),
    });
    this.#connections.add(connection);
    connection.send();
  }

  #firstByte(milliseconds: number): void {
    if (this.#measuring && this.#sampleCount < maxSamples) this.#samples[this.#sampleCount++] = milliseconds;
  }

  #end(connection: LoadConnection, summary: AnswerSummary): void {
    const problem = this.#problem(summary);
    if (problem === undefined) this.#answers++;
    else this.#errors.add(problem);
    if (!this.#stopping && this.#errors.total < maxErrors) connection.send();
  }

  #problem(summary: AnswerSummary): string | undefined {
    if (summary.status !== 200) return `status ${summary.status}`;
    if (!summary.tail.endsWith(this.#terminator)) return 'no terminator';
    if (summary.bodyBytes !== this.#job.bodyBytes) return `${summary.bodyBytes} bytes, not ${this.#job.bodyBytes}`;
    return undefined;
  }

  #closed(connection: LoadConnection, reason: string, inAnswer: boolean): void {
    this.#connections.delete(connection);
    if (inAnswer) this.#errors.add(reason);
    if (!this.#stopping && this.#errors.total < maxErrors) this.#connect();
  }

  #snapshot(): Snapshot {
    const cpu = this.#job.measuredPid === 0 ? undefined : cpuMicroseconds(this.#job.measuredPid);
    return { at: performance.now(), answers: this.#answers, bodyBytes: this.#bodyBytes, cpu };
  }

  async #drain(): Promise<void> {
    const deadline = performance.now() + drainMilliseconds;
    const busy = (): number => [...this.#connections].filter((connection) => connection.busy).length;
    while (busy() > 0 && performance.now() < deadline) await sleep(10);
    if (busy() > 0) this.#errors.add(`not complete ${drainMilliseconds} ms after the window`);
    for (const connection of this.#connections) connection.destroy();
  }

  #result(before: Snapshot, after: Snapshot): LoadResult {
    const samples = this.#samples.subarray(0, this.#sampleCount).toSorted();
    return {
      elapsedMilliseconds: after.at - before.at,
      answers: after.answers - before.answers,
      bodyBytes: after.bodyBytes - before.bodyBytes,
      cpuMicroseconds: before.cpu === undefined || after.cpu === undefined ? undefined : after.cpu - before.cpu,
      firstByteP50: percentile(samples, 0.5),
      firstByteP99: percentile(samples, 0.99),
      errors: this.#errors.counts,
    };
  }
}
