import type { FrameCounters } from '../kernel/answer-pipe.ts';
import type { LiveRuns } from './live-runs.ts';
import type { Pipelines } from './pipelines.ts';
import { viewTokenProviders, type TokenProviderView } from './token-view.ts';

interface Snapshot {
  snapshot(): Readonly<Record<string, number>>;
}

/** Reads the state of the engine for health, figures and tests; changes nothing. */
export class EngineView {
  readonly #pipelines: Pipelines;
  readonly #runs: LiveRuns;
  readonly #frames: FrameCounters;
  readonly #upstream: { readonly live: number };
  readonly #meter: Snapshot;

  constructor(
    pipelines: Pipelines,
    runs: LiveRuns,
    frames: FrameCounters,
    upstream: { readonly live: number },
    meter: Snapshot,
  ) {
    this.#pipelines = pipelines;
    this.#runs = runs;
    this.#frames = frames;
    this.#upstream = upstream;
    this.#meter = meter;
  }

  pipelines(): { readonly serving: readonly string[]; readonly degraded: readonly string[] } {
    const status = this.#pipelines.status();
    return {
      serving: status.filter((entry) => entry.serving).map((entry) => entry.name),
      degraded: status.filter((entry) => entry.degraded).map((entry) => entry.name),
    };
  }

  /** The token providers of what serves, each instance once. */
  tokenProviders(): readonly TokenProviderView[] {
    return viewTokenProviders(this.#pipelines.serving());
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      streams_opened: this.#runs.opened,
      streams_ended: this.#runs.ended,
      streams_live: this.#runs.live,
      upstream_calls_live: this.#upstream.live,
      generations_live: this.#pipelines.generationsLive,
      frames_pass: this.#frames.pass,
      frames_scan: this.#frames.scan,
      frames_splice: this.#frames.splice,
      frames_slow: this.#frames.slow,
      ...this.#meter.snapshot(),
    };
  }
}
