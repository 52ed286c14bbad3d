import type { EngineView } from './invariants.ts';
import type { Sluice } from './sluice.ts';

/** The engine as the invariants look at it. */
export interface WatchedEngine extends EngineView {
  /** From now on nothing at all may be left of it. */
  markClosed(): void;
}

/** Timers that an engine may have while it is open: the poll of its pipelines folder. */
export const openEngineTimers = /^pipeline-folder\.ts:/;

/** The figures of a running engine; `pipelines` is how many it serves. */
export function watchEngine(sluice: Pick<Sluice, 'metric'>, pipelines = 1): WatchedEngine {
  let closed = false;
  return {
    pipelines,
    get closed() {
      return closed;
    },
    markClosed() {
      closed = true;
    },
    metrics: () => ({
      streamsOpened: sluice.metric('streams_opened'),
      streamsEnded: sluice.metric('streams_ended'),
      streamsLive: sluice.metric('streams_live'),
      upstreamCallsLive: sluice.metric('upstream_calls_live'),
      generationsLive: sluice.metric('generations_live'),
    }),
  };
}
