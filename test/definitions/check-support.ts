import { checkPipeline, type PipelineCheck } from '../../src/definitions/check-pipeline.ts';
import type { CheckContext, CheckCondition } from '../../src/definitions/check-session.ts';
import { formatDiagnostic } from '../../src/definitions/diagnostic.ts';
import type { ResolvedPipeline } from '../../src/definitions/resolved-pipeline.ts';
import { defaultEnvAllow } from '../../src/definitions/secrets.ts';
import { TestClock } from '../support/test-clock.ts';
import { fakeRegistry } from './fake-registry.ts';

/** The canary: no finding may ever show it. */
export const secretValue = 'canary-4711-never-shown';

/** Knows one word: what follows `bad` is a mistake. */
const findBad: CheckCondition = (text) => {
  const offset = text.indexOf('bad');
  return offset === -1 ? [] : [{ message: 'unknown variable: bad', offset }];
};

export interface Given {
  /** By `kind/name`, as JSON values or as text. */
  readonly resources?: Readonly<Record<string, unknown>>;
  readonly context?: Partial<CheckContext>;
  readonly name?: string;
}

export function check(
  definition: unknown,
  { resources = {}, context = {}, name = 'support' }: Given = {},
): PipelineCheck {
  const sources = Object.entries(resources).map(([key, value]): [string, { file: string; text: string }] => [
    key,
    { file: `pipelines/resources/${key}.json`, text: typeof value === 'string' ? value : JSON.stringify(value) },
  ]);
  return checkPipeline(
    { file: `pipelines/${name}.json`, text: typeof definition === 'string' ? definition : JSON.stringify(definition) },
    {
      registry: fakeRegistry,
      resources: new Map(sources),
      pipelines: new Map(),
      checkCondition: findBad,
      environment: {
        variables: {
          OPENAI_API_KEY: secretValue,
          SLUICE_ADMIN_TOKEN: secretValue,
          SLUICE_VAR_REGION: 'eu',
          EMPTY_TOKEN: '',
          PATH: '/bin',
        },
        envAllow: defaultEnvAllow,
        secretsDir: '/nowhere/secrets',
        pipelinesDir: '/nowhere/pipelines',
        clock: new TestClock(),
      },
      ...context,
    },
  );
}

/** The findings as lines, without the folder. */
export function findings(definition: unknown, given?: Given): string[] {
  return check(definition, given).diagnostics.map((diagnostic) =>
    formatDiagnostic(diagnostic).replace(/^pipelines\//, ''),
  );
}

/** The pipeline; fails with the findings where there is none. */
export function resolved(definition: unknown, given?: Given): ResolvedPipeline {
  const { pipeline, diagnostics } = check(definition, given);
  if (pipeline === undefined) throw new Error(diagnostics.map(formatDiagnostic).join('\n'));
  return pipeline;
}

export const backend = { type: 'openai-chat', config: { baseUrl: 'https://api.example.com/v1', model: 'small' } };
export const minimal = { apiVersion: 'sluice/v1', name: 'support', backends: { gpt: backend } };
