import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dialectPairs, dialects, systemOfPair, type DialectPair } from './dialects.ts';
import { freePort } from './free-port.ts';
import { wordsInText } from './mock-answers.ts';
import { notice } from './modifier-chains.ts';
import { get, untilReady } from './ready.ts';
import { modifierScenarios, oneFormatScenarios, type ScenarioName } from './scenarios.ts';
import { writePipelines, type Steps } from './sluice-pipelines.ts';
import type { System } from './system.ts';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));

function masked(text: string): string {
  return text.replaceAll(new RegExp(wordsInText.join('|'), 'gi'), '***');
}

const noted = (text: string): string => text + notice;

/** What the steps make of the text of an answer. */
const expectedTexts: Readonly<Record<Steps, (text: string) => string>> = {
  none: (text) => text,
  'never-match': (text) => text,
  'some-match': masked,
  chain: noted,
  'chain-email': noted,
};

/** The numbers of a flat JSON object; undefined where there is none. */
function readCounters(body: string): Record<string, number> | undefined {
  try {
    const entries = Object.entries(JSON.parse(body) as object);
    return Object.fromEntries(entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
  } catch {
    return undefined;
  }
}

interface SluiceOptions {
  readonly name: string;
  readonly steps: Steps;
  readonly pair: DialectPair;
  readonly scenarios: readonly ScenarioName[];
}

function sluice({ name, steps, pair: { provider, client }, scenarios }: SluiceOptions): System {
  return {
    name,
    warmsUp: true,
    scenarios,
    unavailable: () => (existsSync(program) ? undefined : 'dist/main.js is missing; run `npm run build` first'),
    async start(context) {
      const port = await freePort();
      const folder = join(context.folder, 'pipelines');
      await writePipelines(folder, context.modes, { mockPort: context.mockPort, provider, steps });
      const child = context.children.start({
        name,
        file: process.execPath,
        parameters: [program],
        environment: {
          NODE_ENV: 'production',
          HOST: '127.0.0.1',
          PORT: String(port),
          SLUICE_PIPELINES_DIR: folder,
          SLUICE_LOG_LEVEL: 'warn',
          BENCH_API_KEY: 'bench-upstream',
        },
        core: context.core,
        channel: false,
      });
      await untilReady(child, port, '/readyz', [200]);
      return {
        name,
        port,
        child,
        dialect: client,
        path: (mode) => `/pipelines/${mode}${dialects[client].resource}`,
        expectedText: expectedTexts[steps],
        frameCounters: async () => readCounters((await get(port, '/metrics.json')).body),
      };
    },
  };
}

const openai: DialectPair = { provider: 'openai', client: 'openai' };

function withSteps(name: string, steps: Steps): System {
  return sluice({ name, steps, pair: openai, scenarios: oneFormatScenarios });
}

/** A process of its own for each pair, so that none is slower for what another one taught the compiler. */
function betweenDialects(pair: DialectPair): System {
  return sluice({ name: systemOfPair(pair), steps: 'none', pair, scenarios: ['translated'] });
}

/** The same for modifiers; the names say what is in the pipeline. */
export const modifierSystems = {
  none: 'sluice-modifiers-none',
  chain: 'sluice-modifiers',
  'chain-email': 'sluice-modifiers-email',
} as const satisfies Partial<Record<Steps, string>>;

function withModifiers(steps: keyof typeof modifierSystems): System {
  const scenarios = steps === 'chain-email' ? modifierScenarios : [...modifierScenarios, 'idle' as const];
  return sluice({ name: modifierSystems[steps], steps, pair: openai, scenarios });
}

/**
 * A pipeline without a step; one with 5 processors and 3 modifiers that find nothing; one that finds some words. Then
 * empty ones between formats, and modifiers alone.
 */
export const sluiceSystems: readonly System[] = [
  withSteps('sluice-empty', 'none'),
  withSteps('sluice-5+3', 'never-match'),
  withSteps('sluice-5+3-match', 'some-match'),
  ...dialectPairs.map(betweenDialects),
  withModifiers('none'),
  withModifiers('chain'),
  withModifiers('chain-email'),
];
