import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { plantProject, type PlantedProject } from './planted-project.ts';

const longFile = Array.from({ length: 401 }, (_, line) => `export const line${line} = ${line};`).join('\n');
const longFunction = `export function long(): number[] {\n${'  void 0;\n'.repeat(80)}  return [];\n}`;
const timers = 'export const handle = setTimeout(() => {}, 1);';

/** Rule that must bite, where it is planted, and what is planted. */
const violations: readonly (readonly [rule: string, path: string, text: string])[] = [
  ['no-restricted-globals', 'src/kernel/calls-fetch.ts', "export const page = await fetch('https://example.com');"],
  ['no-restricted-globals', 'src/forward/calls-fetch.ts', "export const page = await fetch('https://example.com');"],
  ['no-restricted-globals', 'src/kernel/clock.ts', "export const page = await fetch('https://example.com');"],
  [
    'no-restricted-globals',
    'src/http/calls-fetch-of-global.ts',
    "export const page = globalThis.fetch('https://example.com');",
  ],
  [
    'no-restricted-globals',
    'src/http/opens-web-socket.ts',
    "export const socket = new WebSocket('wss://example.com');",
  ],
  [
    'no-restricted-globals',
    'src/http/opens-event-source.ts',
    "export const open = () => new EventSource('https://example.com');",
  ],
  ['no-restricted-globals', 'src/http/opens-xml-request.ts', 'export const request = new XMLHttpRequest();'],
  ['no-restricted-globals', 'src/processors/sets-timeout.ts', timers],
  ['no-restricted-globals', 'src/processors/sets-interval.ts', 'export const handle = setInterval(() => {}, 1);'],
  ['no-restricted-globals', 'src/processors/sets-immediate.ts', 'export const handle = setImmediate(() => {});'],
  [
    'no-restricted-globals',
    'src/processors/sets-timeout-of-global.ts',
    'export const handle = global.setTimeout(() => {}, 1);',
  ],
  ['no-restricted-globals', 'src/compile/reads-performance.ts', 'export const time = performance.now();'],
  ['no-restricted-globals', 'test/kernel/sleeps.spec.ts', timers],
  ['no-restricted-properties', 'src/tokens/reads-date.ts', 'export const time = Date.now();'],
  ['no-restricted-properties', 'src/tokens/reads-hrtime.ts', 'export const time = process.hrtime.bigint();'],
  ['no-restricted-properties', 'src/tokens/times-out.ts', 'export const signal = AbortSignal.timeout(1);'],
  ['no-restricted-imports', 'src/compile/imports-sleep.ts', "export { setTimeout } from 'node:timers/promises';"],
  ['no-restricted-imports', 'src/forward/imports-sleep.ts', "export { setTimeout } from 'node:timers/promises';"],
  [
    'no-restricted-imports',
    'test/kernel/sleeps-by-import.spec.ts',
    "import { setTimeout } from 'node:timers/promises';\nawait setTimeout(1);",
  ],
  [
    'no-restricted-imports',
    'src/compile/imports-performance.ts',
    "import { performance } from 'node:perf_hooks';\nexport const time = performance.now();",
  ],
  ['no-restricted-imports', 'src/compile/imports-undici.ts', "export { Agent } from 'undici';"],
  ['no-restricted-imports', 'src/forward/imports-fetch.ts', "export { fetch } from 'undici';"],
  ['no-restricted-imports', 'src/compile/imports-request.ts', "export { request } from 'node:http';"],
  [
    'no-restricted-imports',
    'src/compile/imports-http-agent.ts',
    "import { Agent } from 'node:http';\nexport const agent = new Agent();",
  ],
  [
    'no-restricted-imports',
    'src/compile/imports-http.ts',
    "import http from 'node:http';\nexport const request = http.request;",
  ],
  [
    'no-restricted-imports',
    'src/compile/imports-all-of-http.ts',
    "import * as http from 'node:http';\nexport const request = http.request;",
  ],
  ['no-restricted-imports', 'src/compile/imports-https.ts', "export { request } from 'node:https';"],
  ['no-restricted-imports', 'src/compile/imports-connect.ts', "export { connect } from 'node:net';"],
  ['no-restricted-imports', 'src/compile/imports-axios.ts', "export { default as client } from 'axios';"],
  ['no-restricted-imports', 'src/forward/imports-axios.ts', "export { default as client } from 'axios';"],
  ['no-restricted-imports', 'src/compile/imports-vm.ts', "export { runInNewContext } from 'node:vm';"],
  ['no-restricted-imports', 'src/compile/imports-index.ts', "export { it } from '../kernel/index.ts';"],
  ['no-eval', 'src/compile/evaluates.ts', "export const value: unknown = eval('1');"],
  ['no-new-func', 'src/compile/makes-function.ts', "export const value: unknown = new Function('return 1');"],
  ['no-console', 'src/compile/prints.ts', "export const greet = (): void => console.log('hello');"],
  ['no-explicit-any', 'src/kernel/any.ts', 'export const value: any = 1;'],
  ['no-non-null-assertion', 'src/kernel/non-null.ts', 'export const first = (list: string[]): string => list[0]!;'],
  ['no-extraneous-class', 'src/kernel/extraneous-class.ts', 'export class Tools {\n  static help(): void {}\n}'],
  ['max-lines', 'src/kernel/long.ts', longFile],
  ['max-lines-per-function', 'src/kernel/long-function.ts', longFunction],
  ['no-barrel-file', 'src/routing/barrel.ts', "export * from './innocent.ts';"],
  ['no-cycle', 'src/compile/left.ts', "import { right } from './right.ts';\nexport const left = (): unknown => right;"],
  ['no-floating-promises', 'src/kernel/floats.ts', 'export function go(): void {\n  Promise.resolve(1);\n}'],
  [
    'no-misused-promises',
    'src/kernel/misuses.ts',
    'export const run = (all: string[]): void => all.forEach(async () => Promise.reject(new Error()));',
  ],
  [
    'switch-exhaustiveness-check',
    'src/kernel/forgets-a-case.ts',
    "export function weigh(size: 'small' | 'large'): number {\n  switch (size) {\n    case 'small':\n      return 1;\n  }\n  return 2;\n}",
  ],
];

/** The homes of what is banned elsewhere, and forms of it that are harmless. */
const innocents: Readonly<Record<string, string>> = {
  'src/compile/right.ts': "import { left } from './left.ts';\nexport const right = (): unknown => left;",
  'src/routing/innocent.ts': 'export const innocent = 1;',
  'src/forward/dispatches.ts': "import { Agent } from 'undici';\nexport const agent = new Agent();",
  'src/forward/guards.ts':
    "import { BlockList, connect } from 'node:net';\nexport const list = new BlockList();\nexport { connect };",
  'src/http/types-only.ts': "import type { ServerResponse } from 'node:http';\nexport type Reply = ServerResponse;",
  'src/http/status-texts.ts': "export { STATUS_CODES } from 'node:http';",
  'src/http/own-fetch.ts': 'export const ask = (fetch: () => string): string => fetch();',
  'src/kernel/error-table.ts': longFile,
  'src/kernel/parses-a-date.ts': "export const time = Date.parse('2026-01-01');",
  'src/http/decorated.ts': 'const Module: ClassDecorator = () => {};\n@Module\nexport class AppModule {}',
  'test/support/sleeps.ts': timers,
  'test/kernel/immediate.spec.ts': 'setImmediate(() => {});',
  'bench/measures.ts': `export const time = performance.now();\n${timers}`,
};

interface Report {
  readonly diagnostics: readonly { readonly code: string; readonly filename: string }[];
}

describe('bans of the linter', () => {
  let project: PlantedProject;
  let found: ReadonlySet<string>;

  beforeAll(async () => {
    project = plantProject({
      ...innocents,
      ...Object.fromEntries(violations.map(([, path, text]) => [path, `${text}\n`])),
    });
    const output = await project.run('oxlint/bin/oxlint', '--format', 'json', '.');
    const { diagnostics } = JSON.parse(output) as Report;
    found = new Set(diagnostics.map(({ code, filename }) => `${/\((.*)\)/.exec(code)?.[1] ?? code} ${filename}`));
  });

  afterAll(() => project.remove());

  it.each(violations)('%s bites at %s', (rule, path) => {
    expect(found).toContain(`${rule} ${path}`);
  });

  it.each(Object.keys(innocents))('nothing is banned in %s', (path) => {
    const findings = [...found].filter((finding) => finding.endsWith(` ${path}`));
    expect(findings).toEqual(path === 'src/compile/right.ts' ? [`no-cycle ${path}`] : []);
  });
});
