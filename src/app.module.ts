import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { AnthropicController } from './http/anthropic.controller.ts';
import { ChatService } from './http/chat.service.ts';
import { Dialects } from './http/dialects.ts';
import { GeminiController } from './http/gemini.controller.ts';
import { HealthController } from './http/health.controller.ts';
import { ModelsController } from './http/models.controller.ts';
import { NativeChatController } from './http/native-chat.controller.ts';
import { OllamaController } from './http/ollama.controller.ts';
import { OpenAiController } from './http/openai.controller.ts';
import { createExpressions } from './compile/expressions.ts';
import { createCompile } from './compile/compile.ts';
import { EngineView } from './compile/engine-view.ts';
import { LiveRuns } from './compile/live-runs.ts';
import { PipelineCalls } from './compile/pipeline-calls.ts';
import { Pipelines } from './compile/pipelines.ts';
import type { Environment } from './config/environment.ts';
import { processWorkload } from './config/process-workload.ts';
import { PipelineFolder } from './definitions/pipeline-folder.ts';
import { Drain } from './drain.ts';
import { HttpCalls } from './forward/http-calls.ts';
import { HttpForwarder } from './forward/http-forwarder.ts';
import type { FrameCounters } from './kernel/answer-pipe.ts';
import type { Capabilities } from './kernel/capability.ts';
import type { Clock } from './kernel/clock.ts';
import type { Log } from './kernel/run.ts';
import { Ticker } from './kernel/ticker.ts';
import { NumberMeter } from './observability/meter.ts';
import type { Registry } from './registry/registry.ts';
import { SecretFiles } from './state/secret-files.ts';

/** What a process, or a test, brings along: everything else is made from it. */
export interface AppOptions {
  readonly environment: Environment;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
}

const CAPABILITIES = Symbol('Capabilities');
const FRAMES = Symbol('FrameCounters');

/** The module of the engine: wires it. A compiled pipeline takes what it needs from the `Capabilities` provider. */
@Module({})
export class AppModule {
  static register(options: AppOptions): DynamicModule {
    return {
      module: AppModule,
      controllers: [
        NativeChatController,
        OpenAiController,
        AnthropicController,
        GeminiController,
        OllamaController,
        ModelsController,
        HealthController,
      ],
      providers: [...capabilityProviders(options), ...engineProviders(options)],
    };
  }
}

/** What components are given, and what that is made of. */
function capabilityProviders({ environment, clock, log }: AppOptions): Provider[] {
  return [
    NumberMeter,
    PipelineCalls,
    { provide: Ticker, useFactory: () => new Ticker(clock) },
    { provide: HttpCalls, useFactory: () => new HttpCalls(clock) },
    {
      provide: SecretFiles,
      inject: [NumberMeter],
      useFactory: (meter: NumberMeter) => new SecretFiles({ directory: environment.stateDir, clock, log, meter }),
    },
    {
      provide: CAPABILITIES,
      inject: [Ticker, NumberMeter, PipelineCalls, HttpCalls, SecretFiles],
      useFactory: (
        ticker: Ticker,
        meter: NumberMeter,
        pipelines: PipelineCalls,
        http: HttpCalls,
        secretStore: SecretFiles,
      ): Capabilities => ({
        clock,
        log,
        meter,
        ticker,
        expressions: createExpressions(),
        http,
        pipelines,
        secretStore,
        workload: processWorkload(environment.workload, clock),
      }),
    },
  ];
}

/** What serves pipelines and clients. */
function engineProviders({ environment, registry, clock, log }: AppOptions): Provider[] {
  return [
    LiveRuns,
    { provide: FRAMES, useValue: { pass: 0, scan: 0, splice: 0, slow: 0 } satisfies FrameCounters },
    { provide: HttpForwarder, inject: [Ticker], useFactory: (ticker: Ticker) => new HttpForwarder(clock, ticker) },
    { provide: PipelineFolder, useFactory: () => new PipelineFolder({ directory: environment.pipelinesDir, clock }) },
    {
      provide: Pipelines,
      inject: [CAPABILITIES, HttpForwarder, FRAMES],
      useFactory: (capabilities: Capabilities, forwarder: HttpForwarder, counters: FrameCounters) =>
        new Pipelines(createCompile({ registry, environment, capabilities, forwarder, counters }), clock, log),
    },
    {
      provide: Dialects,
      inject: [CAPABILITIES],
      useFactory: (capabilities: Capabilities) => new Dialects(registry, capabilities),
    },
    {
      provide: Drain,
      inject: [LiveRuns],
      useFactory: (runs: LiveRuns) =>
        new Drain(runs, clock, log, { preStop: environment.preStop, timeout: environment.drainTimeout }),
    },
    {
      provide: EngineView,
      inject: [Pipelines, LiveRuns, FRAMES, HttpForwarder, NumberMeter],
      useFactory: (
        pipelines: Pipelines,
        runs: LiveRuns,
        frames: FrameCounters,
        forwarder: HttpForwarder,
        meter: NumberMeter,
      ) => new EngineView(pipelines, runs, frames, forwarder, meter),
    },
    {
      provide: ChatService,
      inject: [Pipelines, Dialects, CAPABILITIES, HttpForwarder, LiveRuns, PipelineCalls],
      useFactory: (
        pipelines: Pipelines,
        dialects: Dialects,
        capabilities: Capabilities,
        forwarder: HttpForwarder,
        runs: LiveRuns,
        calls: PipelineCalls,
      ) => {
        calls.serve({ pipelines, capabilities, forwarder, runs });
        return new ChatService(pipelines, dialects, capabilities, forwarder, runs);
      },
    },
  ];
}
