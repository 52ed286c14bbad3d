import type { Dialect } from './dialects.ts';

/** Where a request goes: the system under test, or the mock itself. */
export interface Target {
  readonly port: number;
  readonly path: string;
  /** What the client speaks. */
  readonly dialect: Dialect;
  readonly stream: boolean;
}

/**
 * Load of one measurement. All connections are keep-alive and send the next request when an answer is complete;
 * `spreadMilliseconds` spreads their starts, so that paced streams don't move in step.
 */
export interface LoadJob {
  readonly target: Target;
  readonly connections: number;
  readonly spreadMilliseconds: number;
  /** Load before the window that is counted. */
  readonly rampMilliseconds: number;
  readonly measureMilliseconds: number;
  /** Bytes of every correct answer's body; an answer of any other size is an error. */
  readonly bodyBytes: number;
  /** The process whose tree's CPU time is read at both ends of the window; 0 for none. */
  readonly measuredPid: number;
}

/** What happened between the two ends of the window. */
export interface LoadResult {
  readonly elapsedMilliseconds: number;
  /** Complete and correct answers. */
  readonly answers: number;
  /** Body bytes, also of answers that were not complete at an end of the window. */
  readonly bodyBytes: number;
  /** Microseconds of the process tree; undefined where the machine can't tell. */
  readonly cpuMicroseconds: number | undefined;
  /** Milliseconds from the request's write to the first byte of the body. */
  readonly firstByteP50: number | undefined;
  readonly firstByteP99: number | undefined;
  /** What went wrong during ramp, window and the rest, by message. */
  readonly errors: Readonly<Record<string, number>>;
}

/** Opens streams that stay open after their first bytes. */
export interface HoldJob {
  readonly target: Target;
  readonly connections: number;
  readonly timeoutMilliseconds: number;
}

export interface HoldResult {
  readonly open: number;
  readonly errors: Readonly<Record<string, number>>;
}

/** One whole answer, to be looked at. `body` is latin1, one character per byte. */
export interface ProbeResult {
  readonly status: number;
  readonly body: string;
}

export interface LoadCommands {
  load(job: LoadJob): Promise<LoadResult>;
  hold(job: HoldJob): Promise<HoldResult>;
  /** Closes the streams of the last `hold`. */
  release(): Promise<void>;
  probe(target: Target): Promise<ProbeResult>;
}
