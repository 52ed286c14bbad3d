import type { Environment } from '../config/environment.ts';
import { openDocument } from '../definitions/check-session.ts';
import { checkPipeline } from '../definitions/check-pipeline.ts';
import { arrangeDiagnostics, hasErrors, type Diagnostic } from '../definitions/diagnostic.ts';
import { valueAt } from '../definitions/json-pointer.ts';
import type { Snapshot } from '../definitions/pipeline-folder.ts';
import type {
  ResolvedBackend,
  ResolvedComponent,
  ResolvedModifier,
  ResolvedPipeline,
  ResolvedProcessor,
  ResolvedTokenProvider,
} from '../definitions/resolved-pipeline.ts';
import type { FrameCounters } from '../kernel/answer-pipe.ts';
import type { Capabilities } from '../kernel/capability.ts';
import { parseDuration } from '../kernel/clock.ts';
import type { Condition, ConditionPhase } from '../kernel/condition.ts';
import { describeCause } from '../kernel/errors.ts';
import type { ModifierPhase } from '../kernel/modifier.ts';
import type { ProcessorStep } from '../kernel/request-chain.ts';
import type { Forwarder } from '../kernel/forward.ts';
import type { TokenLink } from '../kernel/tokens/token-provider.ts';
import { UnusableSecret } from '../kernel/tokens/unusable-secret.ts';
import type { Registry } from '../registry/registry.ts';
import type { CompiledBackend, CompiledPipeline } from './compiled-pipeline.ts';
import {
  conditionalModifiers,
  conditionalProcessors,
  type Conditional,
  type ConditionalModifier,
} from './conditional-steps.ts';
import { checkCondition, compileCondition } from './conditions.ts';
import { createParameterCheck } from './parameter-check.ts';
import { pick } from './pick.ts';
import type { Compile } from './pipelines.ts';
import { checkPlan, planOf, type PlannedModifier } from './plan.ts';
import { SharedInstances } from './shared-instances.ts';
import { checkTokens } from './check-tokens.ts';
import { holdTokenProvider } from './token-providers.ts';

export interface CompileOptions {
  readonly registry: Registry;
  readonly environment: Environment;
  readonly capabilities: Capabilities;
  readonly forwarder: Forwarder;
  readonly counters: FrameCounters;
}

/**
 * Makes the one function that validates and builds a definition: what passes it is ready to serve, and what fails it
 * leaves nothing behind.
 */
export function createCompile(options: CompileOptions): Compile {
  const { registry, environment, capabilities } = options;
  const shared = new SharedInstances();
  return (name, snapshot) => {
    const source = snapshot.pipelines.get(name);
    if (source === undefined) return { pipeline: undefined, diagnostics: [] };
    const checked = checkPipeline(source, {
      registry,
      resources: snapshot.resources,
      pipelines: snapshot.pipelines,
      checkCondition,
      environment: { ...environment.secrets, clock: capabilities.clock },
    });
    const { calls, secretFiles } = checked;
    if (checked.pipeline === undefined)
      return { pipeline: undefined, diagnostics: checked.diagnostics, calls, secretFiles };
    const all = (findings: readonly Diagnostic[]): Diagnostic[] =>
      arrangeDiagnostics([...checked.diagnostics, ...findings.map((one) => locate(one, snapshot))], source.file);
    const build = new Build(checked.pipeline, options, shared);
    try {
      const pipeline = build.pipeline();
      if (!hasErrors(build.findings)) return { pipeline, plan: pipeline.plan, diagnostics: all(build.findings), calls };
    } catch (error) {
      build.findings.push(build.diagnosticOf(error));
    }
    build.dispose().catch((failure: unknown) =>
      capabilities.log.error('a refused definition was not disposed cleanly', {
        pipeline: name,
        error: describeCause(failure),
      }),
    );
    return { pipeline: undefined, diagnostics: all(build.findings), calls, secretFiles };
  };
}

type Created<R extends ResolvedComponent> = ReturnType<R['component']['create']>;

/** Builds one generation, and remembers what must be disposed if it fails half way or when it is over. */
class Build {
  readonly #resolved: ResolvedPipeline;
  readonly #options: CompileOptions;
  readonly #shared: SharedInstances;
  /** What is odd about the parts together. */
  readonly findings: Diagnostic[] = [];
  readonly #disposals: (() => Promise<void>)[] = [];
  #current: { readonly file: string; readonly pointer: string } | undefined;

  constructor(resolved: ResolvedPipeline, options: CompileOptions, shared: SharedInstances) {
    this.#resolved = resolved;
    this.#options = options;
    this.#shared = shared;
  }

  pipeline(): CompiledPipeline {
    const { definition, name, revision, defaultBackend } = this.#resolved;
    const { inbound, output, limits } = definition;
    const backends = new Map([...this.#resolved.backends].map(([key, backend]) => [key, this.#backend(key, backend)]));
    const chosen = backends.get(defaultBackend);
    if (chosen === undefined) throw new TypeError(`there is no backend "${defaultBackend}"`);
    const modifiers = this.#resolved.modifiers.map((step) => this.#modifier(step));
    this.findings.push(...checkPlan(this.#resolved.file, modifiers));
    return {
      name,
      revision,
      formats: inbound.formats,
      maxBodyBytes: inbound.maxBodyBytes,
      unknownModel: inbound.unknownModel,
      unknownFields: inbound.unknownFields,
      params: createParameterCheck(definition.params),
      processors: conditionalProcessors(this.#resolved.processors.map((step) => this.#processor(step))),
      backends,
      defaultBackend: chosen,
      modifiers: conditionalModifiers(modifiers),
      plan: planOf(modifiers),
      output: {
        heartbeat: parseDuration(output.heartbeat),
        commitAfter: parseDuration(output.commitAfter),
        clientStall: parseDuration(output.clientStall),
        debug: output.debug,
      },
      limits: {
        concurrentStreams: limits.concurrentStreams ?? Number.POSITIVE_INFINITY,
        maxStreamDuration: parseDuration(limits.maxStreamDuration),
        maxFrameBytes: limits.maxFrameBytes,
        maxAnswerBytes: limits.maxAnswerBytes,
      },
      counters: this.#options.counters,
      dispose: () => this.dispose(),
    };
  }

  /** In reverse order of the building; one that fails does not keep the others. */
  async dispose(): Promise<void> {
    const disposals = this.#disposals.splice(0).reverse();
    const results = await Promise.allSettled(disposals.map((dispose) => dispose()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  diagnosticOf(error: unknown): Diagnostic {
    const { file = this.#resolved.file, pointer = '' } = this.#current ?? {};
    const place = refusedPlace(error, this.#current);
    const account = describeCause(error);
    return {
      code: error instanceof UnusableSecret ? 'secret.unusable' : 'build.failed',
      severity: 'error',
      message: place === undefined ? account : account.replace(/^TypeError: /, ''),
      file,
      pointer: `${pointer}${place ?? ''}`,
      line: 1,
      column: 1,
    };
  }

  #processor(step: ResolvedProcessor): Conditional<ProcessorStep> {
    return {
      name: step.name,
      guard: step.component.guard,
      onError: step.onError,
      timeoutMilliseconds: step.timeoutMilliseconds,
      condition: this.#condition(step, 'request'),
      processor: this.#create(step),
    };
  }

  #modifier(step: ResolvedModifier): ConditionalModifier & PlannedModifier {
    return {
      name: step.name,
      guard: step.component.guard,
      onError: step.onError,
      condition: this.#condition(step, step.phase === 'end' ? 'end' : 'response'),
      phase: step.phase,
      resolved: step,
      modifier: this.#create(step, step.phase),
    };
  }

  #backend(name: string, resolved: ResolvedBackend): CompiledBackend {
    const backend = this.#create(resolved);
    const transport = this.#options.forwarder.createTransport({
      profile: resolved.network,
      connectTimeout: resolved.timeouts.connect,
      ...(resolved.upstream !== undefined && { script: resolved.upstream }),
    });
    this.#disposals.push(() => transport.close());
    const token = resolved.token === undefined ? undefined : this.#token(resolved.token);
    if (resolved.token !== undefined) this.findings.push(...checkTokens(resolved.token, name, backend.origin));
    return {
      name,
      type: resolved.type,
      backend,
      transport,
      token,
      ...(resolved.token !== undefined && { tokenDefinition: resolved.token }),
      timeouts: resolved.timeouts,
    };
  }

  #token(resolved: ResolvedTokenProvider): TokenLink {
    const held = holdTokenProvider(resolved, {
      shared: this.#shared,
      capabilities: this.#options.capabilities,
      onCreate: (current) => {
        this.#current = current;
      },
    });
    this.#disposals.push(() => held.release());
    return held.instance.link;
  }

  #create<R extends ResolvedComponent>(resolved: R, phase?: ModifierPhase): Created<R> {
    this.#current = resolved;
    const { component, config } = resolved;
    const capabilities = pick(this.#options.capabilities, component.needs);
    // The config was checked against this very component's schema.
    const held = this.#shared.hold(
      resolved.shared,
      () => component.create(config as never, capabilities as never, phase) as Created<R>,
    );
    this.#disposals.push(() => held.release());
    return held.instance;
  }

  #condition(step: ResolvedProcessor | ResolvedModifier, phase: ConditionPhase): Condition | undefined {
    if (step.when === undefined) return undefined;
    const { log, meter } = this.#options.capabilities;
    return compileCondition(step.when, phase, {
      fallback: step.component.guard,
      onError: (error) => {
        meter.count('condition_errors');
        log.warn('a condition failed', { pipeline: this.#resolved.name, step: step.name, error: describeCause(error) });
      },
    });
  }
}

/** A component names what it refuses first, as in "assumeRole.duration: ..."; where that is missing, its config is the place. */
function refusedPlace(error: unknown, current: object | undefined): string | undefined {
  const field = error instanceof TypeError ? /^([a-z]+(?:\.[a-z]+)*): ./i.exec(error.message)?.[1] : undefined;
  if (field === undefined || current === undefined) return undefined;
  const place = `/config/${field.replaceAll('.', '/')}`;
  return valueAt(current, place) === undefined ? '/config' : place;
}

/** Gives a finding its line and column, in the definition or in the resource that it is about. */
function locate(finding: Diagnostic, { pipelines, resources }: Snapshot): Diagnostic {
  const source = [...pipelines.values(), ...resources.values()].find(({ file }) => file === finding.file);
  // Whoever resolved the file has opened it, so that its kind no longer matters.
  return source === undefined
    ? finding
    : { ...finding, ...openDocument(source, 'pipeline').locator.value(finding.pointer) };
}
