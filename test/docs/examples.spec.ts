import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse as parseJsonc } from 'jsonc-parser';
import { afterAll, describe, expect, it } from '@jest/globals';
import { checkCondition } from '../../src/compile/conditions.ts';
import { environmentDocs } from '../../src/config/environment.ts';
import { checkPipeline } from '../../src/definitions/check-pipeline.ts';
import { formatDiagnostic } from '../../src/definitions/diagnostic.ts';
import type { DocumentSource } from '../../src/definitions/read-document.ts';
import { defaultEnvAllow } from '../../src/definitions/secrets.ts';
import { exampleSecrets } from '../support/example-secrets.ts';
import { productRegistry } from '../support/sluice.ts';
import { TestClock } from '../support/test-clock.ts';

const projectFolder = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(projectFolder, path), 'utf8');
const list = (pattern: string): string[] =>
  globSync(pattern, { cwd: projectFolder, exclude: ['**/node_modules/**', 'dist/**'] })
    .map((path) => path.replaceAll('\\', '/'))
    .sort();

const pages = list('**/*.md');
const registry = await productRegistry();
const published = (name: string): object => JSON.parse(read(`schemas/${name}.schema.json`)) as object;
const editor = new Ajv2020({ strict: false, allErrors: true });
const isPipeline = editor.compile(published('pipeline'));
const isChatRequest = editor.compile(published('chat-request'));

/** What the examples name without showing it. */
const namedElsewhere: Readonly<Record<string, unknown>> = {
  'processor/personal-data': { type: 'sensitive-words', config: { words: 'secrets' } },
  'word-list/secrets': ['secret'],
  'token-provider/company-login': { type: 'static', config: { token: { $env: 'LOGIN_TOKEN' } } },
};

const pipelineFiles = list('pipelines/*.{json,jsonc}');
/** The pipelines of the product, by name: they may call each other. */
const served: ReadonlyMap<string, DocumentSource> = new Map(
  pipelineFiles.map((file) => [basename(file).replace(/\.jsonc?$/, ''), { file, text: read(file) }]),
);

/** All findings of the engine about a definition, as lines. */
function findings(file: string, text: string, resources: ReadonlyMap<string, DocumentSource>): string[] {
  const environment = {
    variables: secrets.variables,
    envAllow: defaultEnvAllow,
    secretsDir: secrets.folder,
    pipelinesDir: join(projectFolder, 'pipelines'),
    clock: new TestClock(),
  };
  const context = { registry, resources, pipelines: served, checkCondition, environment };
  const { diagnostics } = checkPipeline({ file, text: secrets.place(text) }, context);
  return diagnostics.map(formatDiagnostic);
}

interface Block {
  readonly place: string;
  readonly language: string;
  readonly text: string;
}

/** Code blocks of pages that people write. */
const blocks: readonly Block[] = ['README.md', 'CONTRIBUTING.md', ...list('docs/*.md')].flatMap((page) => {
  const found = [...read(page).matchAll(/^```(jsonc?)\n([^]*?)^```$/gm)];
  return found.map(({ 1: language = '', 2: text = '' }, index) => ({ place: `${page} #${index + 1}`, language, text }));
});
const definitions = blocks.filter(({ text }) => text.includes('"apiVersion"'));
const secrets = exampleSecrets([
  ...pipelineFiles.map(read),
  ...definitions.map(({ text }) => text),
  JSON.stringify(namedElsewhere),
]);
afterAll(() => secrets.remove());
const rows = (those: readonly Block[]) => those.map((block) => [block.place, block] as const);

describe('an example of JSON', () => {
  it('is there to be looked at', () => {
    expect(definitions.length).toBeGreaterThanOrEqual(2);
    expect(blocks.some(({ text }) => text.includes('"messages"'))).toBe(true);
  });

  it.each(rows(blocks))('%s has no slip in it', (_place, { language, text }) => {
    if (language === 'json') expect(() => JSON.parse(text) as unknown).not.toThrow();
    const errors: unknown[] = [];
    parseJsonc(text, errors as never, { allowTrailingComma: true });
    expect(errors).toEqual([]);
  });

  it.each(rows(definitions))('%s is a definition that the engine takes', (_place, { language, text }) => {
    const { name } = parseJsonc(text) as { name: string };
    const resources = Object.entries(namedElsewhere).map(([key, value]): [string, DocumentSource] => [
      key,
      { file: `pipelines/resources/${key}.json`, text: JSON.stringify(value) },
    ]);
    expect(findings(`pipelines/${name}.${language}`, text, new Map(resources))).toEqual([]);
  });

  it.each(rows(definitions))('%s is a definition that an editor takes', (_place, { text }) => {
    isPipeline(parseJsonc(text));
    expect(isPipeline.errors ?? []).toEqual([]);
  });

  it.each(rows(blocks.filter(({ text }) => text.includes('"messages"'))))('%s is a request', (_place, { text }) => {
    isChatRequest(parseJsonc(text));
    expect(isChatRequest.errors ?? []).toEqual([]);
  });
});

describe.each(pipelineFiles.map((file) => [file] as const))('%s', (file) => {
  it('is taken by the engine, without a warning', () => {
    const shared = list('pipelines/resources/*/*.json').map((path): [string, DocumentSource] => [
      `${basename(dirname(path))}/${basename(path, '.json')}`,
      { file: path, text: read(path) },
    ]);
    expect(findings(file, read(file), new Map(shared))).toEqual([]);
  });

  it('is taken by an editor, which finds the schema', () => {
    const definition = parseJsonc(read(file)) as { $schema: string };
    expect(join(dirname(file), definition.$schema)).toBe('schemas/pipeline.schema.json');
    isPipeline(definition);
    expect(isPipeline.errors ?? []).toEqual([]);
  });
});

describe('the pages', () => {
  const links = pages.flatMap((page) =>
    [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(({ 1: target = '' }) => target)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => [page, target] as const),
  );

  it.each(links)('%s: the link to %s leads somewhere', (page, target) => {
    const [path = '', anchor] = target.split('#');
    const file = path === '' ? page : join(dirname(page), path);
    expect([file, existsSync(join(projectFolder, file))]).toEqual([file, true]);
    if (anchor !== undefined) expect(anchorsOf(read(file))).toContain(anchor);
  });

  it.each(pages.map((page) => [page] as const))('%s names only files that are there', (page) => {
    const named = [...read(page).matchAll(/`((?:src|docs|test|schemas|scripts|bench|examples)\/[\w./-]+)`/g)]
      .map(({ 1: path = '' }) => path)
      .filter((path) => !/[A-Z]{4}/.test(path));
    expect(named.filter((path) => !existsSync(join(projectFolder, path)))).toEqual([]);
  });
});

/** Examples of code hold brackets of their own. */
function withoutCode(text: string): string {
  return text.replaceAll(/^```[^]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, '.'));
}

/** Anchors as they are made of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(({ 1: heading = '' }) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('README.md', () => {
  it('has every variable of the environment, as the code reads it', () => {
    const [, section = ''] = /<!-- environment -->\n([^]*?)<!-- \/environment -->/.exec(read('README.md')) ?? [];
    const lines = section.trim().split('\n').slice(2);
    const cells = lines.map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.replaceAll('`', '').trim()),
    );
    expect(cells).toEqual(environmentDocs.map((doc) => [doc.name, doc.default, doc.meaning]));
  });

  it('has every folder of src on its map, and no other', () => {
    const [, section = ''] = /## Map\n([^]*?)\n\|/.exec(read('README.md')) ?? [];
    const named = [...section.matchAll(/`([a-z]+)`/g)].map(({ 1: name = '' }) => name);
    const folders = readdirSync(join(projectFolder, 'src'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    expect(named.toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
  });

  it('lists every kind of page', () => {
    for (const page of list('docs/*.md')) {
      const isLinked = pages.some((other) => other !== page && read(other).includes(basename(page)));
      expect([page, isLinked]).toEqual([page, true]);
    }
  });
});
