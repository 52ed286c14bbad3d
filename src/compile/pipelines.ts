import type { Clock, Timer } from '../kernel/clock.ts';
import { describeCause, SluiceError } from '../kernel/errors.ts';
import type { Log } from '../kernel/run.ts';
import { namePattern } from '../kernel/schema.ts';
import { formatDiagnostic, type Diagnostic } from '../definitions/diagnostic.ts';
import type { Snapshot } from '../definitions/pipeline-folder.ts';
import { AwaitedFiles, type AwaitedFile } from './awaited-files.ts';
import { describePlan, type PipelinePlan } from './plan.ts';
import type { CompiledPipeline } from './compiled-pipeline.ts';

/** A pipeline that was deleted goes on for this long: many editors delete a file before they write it anew. */
const deleteGrace = 5_000;
const validName = new RegExp(namePattern);

/** One compiled definition and the runs that are pinned to it. */
interface Generation {
  readonly pipeline: CompiledPipeline;
  readonly loadedAt: number;
  runs: number;
  retired: boolean;
}

/** What is known of one name. `current` is the last good generation; `problems` belong to the newest document. */
interface Slot {
  readonly name: string;
  current: Generation | undefined;
  problems: readonly Diagnostic[];
  source: string;
  /** Other pipelines that the outcome of its newest document depends on. */
  calls: readonly string[];
  /** Of a refused document: the files that may change its outcome without an edit. */
  awaited: readonly AwaitedFile[];
  deleted: boolean;
  grace: Timer | undefined;
}

/** Holds a generation for one run, from admission to its end: a swap never touches it. */
export interface Lease {
  readonly pipeline: CompiledPipeline;
  /** Wall time in milliseconds at which the definition was loaded. */
  readonly loadedAt: number;
  /** Runs on this pipeline's current generation, this one included. */
  readonly live: number;
  release(): void;
}

export interface PipelineStatus {
  readonly name: string;
  readonly serving: boolean;
  /** True where the newest document is not the one that serves. */
  readonly degraded: boolean;
  readonly revision: string | undefined;
  readonly problems: readonly Diagnostic[];
}

/** What becomes of one document: a pipeline, or the errors that stand against it. */
export interface Compiled {
  readonly pipeline: CompiledPipeline | undefined;
  /** What the pipeline does to a stream; there where it is. */
  readonly plan?: PipelinePlan;
  readonly diagnostics: readonly Diagnostic[];
  /** Other pipelines that this outcome depends on: when one of them changes, it must be had anew. */
  readonly calls?: readonly string[];
  /** Where there is no pipeline: files with secrets that this may be due to. */
  readonly secretFiles?: readonly AwaitedFile[];
}

/** Compiles one document. */
export type Compile = (name: string, snapshot: Snapshot) => Compiled;

/**
 * The pipelines that serve. A new definition is built beside the old one and takes its place in one assignment; a
 * definition with errors changes nothing but its own status. The old generation is disposed when its last run ends.
 */
export class Pipelines {
  readonly #compile: Compile;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #slots = new Map<string, Slot>();
  readonly #generations = new Set<Generation>();
  readonly #awaited = new AwaitedFiles();
  /** The last that was applied. */
  #snapshot: Snapshot | undefined;
  /** What is being disposed. */
  readonly #disposals = new Set<Promise<void>>();

  constructor(compile: Compile, clock: Clock, log: Log) {
    this.#compile = compile;
    this.#clock = clock;
    this.#log = log;
  }

  /** Generations that are not disposed: one per pipeline, more while old runs finish. */
  get generationsLive(): number {
    return this.#generations.size;
  }

  /** Brings the pipelines to the state of the folder. Never throws for a bad definition. */
  apply(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    for (const diagnostic of snapshot.problems) this.#log.error(formatDiagnostic(diagnostic));
    for (const name of snapshot.pipelines.keys()) this.#load(name, snapshot);
    for (const slot of this.#slots.values()) {
      if (!snapshot.pipelines.has(slot.name) && !slot.deleted) this.#forget(slot);
    }
  }

  /**
   * Looks at the files with secrets for want of which definitions were refused, and takes those definitions anew whose
   * files have come or have changed, as if they had been edited. Where nothing is awaited it does nothing.
   */
  lookAgain(): void {
    const waiting = [...this.#slots.values()].filter(({ awaited }) => awaited.length > 0);
    if (waiting.length === 0 || this.#snapshot === undefined) return;
    const news = this.#awaited.news(waiting.flatMap(({ awaited }) => awaited));
    for (const slot of waiting) {
      const files = slot.awaited.filter((file) => news.has(file)).map(({ shownPath }) => shownPath);
      if (files.length === 0) continue;
      this.#log.info('a secret file has changed, its definition is checked again', {
        pipeline: slot.name,
        files: [...new Set(files)],
      });
      this.#take(slot, this.#snapshot);
    }
  }

  /** Pins the current generation of a pipeline. Throws what the client must see where there is none. */
  acquire(name: string): Lease {
    const slot = this.#slots.get(name);
    const generation = slot?.current;
    if (slot === undefined || generation === undefined) throw this.#refusal(name, slot);
    generation.runs += 1;
    let released = false;
    return {
      pipeline: generation.pipeline,
      loadedAt: generation.loadedAt,
      live: generation.runs,
      release: () => {
        if (released) return;
        released = true;
        generation.runs -= 1;
        this.#disposeIfIdle(generation);
      },
    };
  }

  /** What new runs get, in no order. */
  serving(): readonly CompiledPipeline[] {
    return [...this.#slots.values()].flatMap(({ current }) => (current === undefined ? [] : [current.pipeline]));
  }

  status(): readonly PipelineStatus[] {
    return [...this.#slots.values()]
      .filter((slot) => !slot.deleted || slot.current !== undefined)
      .map(({ name, current, problems }) => ({
        name,
        serving: current !== undefined,
        degraded: problems.some(({ severity }) => severity === 'error'),
        revision: current?.pipeline.revision,
        problems,
      }));
  }

  /** Retires everything; what still runs finishes first. Resolves when all that is retired has let go of what it held. */
  async close(): Promise<void> {
    for (const slot of this.#slots.values()) {
      slot.grace?.cancel();
      this.#swap(slot, undefined);
    }
    this.#slots.clear();
    this.#snapshot = undefined;
    await Promise.all(this.#disposals);
  }

  #load(name: string, snapshot: Snapshot): void {
    let slot = this.#slots.get(name);
    if (slot === undefined) {
      slot = newSlot(name);
      this.#slots.set(name, slot);
    }
    slot.deleted = false;
    slot.grace?.cancel();
    slot.grace = undefined;
    if (slot.source !== sourceOf(name, slot.calls, snapshot)) this.#take(slot, snapshot);
  }

  #take(slot: Slot, snapshot: Snapshot): void {
    const { name } = slot;
    const { pipeline, diagnostics, calls = [], secretFiles = [] } = this.#compile(name, snapshot);
    slot.source = sourceOf(name, calls, snapshot);
    slot.calls = calls;
    slot.awaited = pipeline === undefined ? secretFiles : [];
    slot.problems = diagnostics;
    for (const diagnostic of diagnostics)
      this.#log[diagnostic.severity === 'error' ? 'error' : 'warn'](formatDiagnostic(diagnostic));
    if (pipeline === undefined) {
      this.#log.error('definition refused', {
        pipeline: name,
        errors: countErrors(diagnostics),
        serving: slot.current?.pipeline.revision ?? 'nothing',
      });
      return;
    }
    if (pipeline.revision === slot.current?.pipeline.revision) {
      this.#dispose(pipeline);
      return;
    }
    this.#swap(slot, { pipeline, loadedAt: this.#clock.wallTime(), runs: 0, retired: false });
    this.#log.info('pipeline serves', {
      pipeline: name,
      revision: pipeline.revision,
      plan: describePlan(pipeline.plan),
    });
  }

  #forget(slot: Slot): void {
    slot.deleted = true;
    slot.source = '';
    slot.awaited = [];
    slot.grace = this.#clock.after(deleteGrace, () => {
      this.#swap(slot, undefined);
      if (this.#slots.get(slot.name) === slot) this.#slots.delete(slot.name);
      this.#log.info('pipeline is gone', { pipeline: slot.name });
    });
  }

  #swap(slot: Slot, next: Generation | undefined): void {
    const previous = slot.current;
    slot.current = next;
    if (next !== undefined) this.#generations.add(next);
    if (previous === undefined) return;
    previous.retired = true;
    this.#disposeIfIdle(previous);
  }

  #disposeIfIdle(generation: Generation): void {
    if (!generation.retired || generation.runs > 0 || !this.#generations.delete(generation)) return;
    this.#dispose(generation.pipeline);
  }

  /** A component that can't let go of what it holds must not keep the others from serving. */
  #dispose(pipeline: CompiledPipeline): void {
    const disposal = pipeline.dispose().catch((error: unknown) => {
      this.#log.error('a generation was not disposed cleanly', {
        pipeline: pipeline.name,
        error: describeCause(error),
      });
    });
    this.#disposals.add(disposal);
    void disposal.then(() => this.#disposals.delete(disposal));
  }

  #refusal(name: string, slot: Slot | undefined): SluiceError {
    if (!validName.test(name)) return new SluiceError('PIPELINE_NAME_INVALID');
    if (slot === undefined || slot.deleted) return new SluiceError('PIPELINE_UNKNOWN', { details: { name } });
    return new SluiceError('DEFINITION_INVALID', { details: { name, count: countErrors(slot.problems) } });
  }
}

function newSlot(name: string): Slot {
  return {
    name,
    current: undefined,
    problems: [],
    source: '',
    calls: [],
    awaited: [],
    deleted: false,
    grace: undefined,
  };
}

function countErrors(diagnostics: readonly Diagnostic[]): number {
  return diagnostics.filter(({ severity }) => severity === 'error').length;
}

/** Everything that a definition is made from or judged by; equal text needs no new build. */
function sourceOf(name: string, calls: readonly string[], { pipelines, resources }: Snapshot): string {
  const shared = [...resources].map(([key, { text }]) => `${key}\n${text}`).sort();
  const texts = [name, ...calls].flatMap((one) => {
    const source = pipelines.get(one);
    return [one, source?.text ?? 'is not there', source?.problem?.message ?? ''];
  });
  return [...texts, ...shared].join('\n\u0000\n');
}
