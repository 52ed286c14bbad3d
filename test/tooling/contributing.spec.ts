import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { plantProject, projectFolder, type PlantedProject } from './planted-project.ts';

/** Runs the examples of all components under plain node and prints what came out, as JSON. */
const runner = `
import { calm } from './src/modifiers/calm.ts';
import { dash } from './src/modifiers/dash.ts';
import { maxCharacters } from './src/processors/max-characters.ts';

function modify(example, pieces) {
  const rewriter = dash.create({ with: '—', ...example.config }, {}).open();
  return pieces.map((piece) => rewriter.text(piece)).join('') + rewriter.flush();
}
function modifyOrStop(example, pieces) {
  let end;
  const block = { stop: (ending) => (end = ending.message) };
  const rewriter = calm.create({ most: 10, ...example.config }, {}).open({}, block);
  let text = '';
  for (const piece of pieces) if (end === undefined) text += rewriter.text(piece);
  return text + (end ?? rewriter.flush());
}
function process(example) {
  const processor = maxCharacters.create({ rule: 'max-characters', ...example.config }, { meter: { count() {} } });
  const message = { role: 'user', content: [{ kind: 'text', text: example.given }] };
  try {
    return processor.processRequest({ messages: [message] }).messages[0].content[0].text;
  } catch (error) {
    return { error: error.code };
  }
}
console.log(JSON.stringify([
  ...dash.examples.map((example) => [example.title, modify(example, example.given), example.expect]),
  ...dash.examples.map((example) => [example.title + ', cut everywhere', modify(example, [...example.given.join('')]), example.expect]),
  ...calm.examples.map((example) => [example.title, modifyOrStop(example, example.given), example.expect]),
  ...calm.examples.map((example) => [example.title + ', cut everywhere', modifyOrStop(example, [...example.given.join('')]), example.expect]),
  ...maxCharacters.examples.map((example) => [example.title, process(example), example.expect]),
]));
`;

/** What the spec on the page needs of Jest. */
const plainTests = `
const describe = (_name: string, tests: () => void): void => tests();
const it = (name: string, test: () => void): void => {
  test();
  console.log(name);
};`;

const pages = ['CONTRIBUTING.md', 'docs/modifiers.md'];
const components = ['src/modifiers/dash.ts', 'src/modifiers/calm.ts', 'src/processors/max-characters.ts'];
const law = 'test/modifiers/calm.law.spec.ts';

describe('the examples of CONTRIBUTING.md and docs/modifiers.md', () => {
  let project: PlantedProject;
  beforeAll(() => {
    const text = pages.map((page) => readFileSync(join(projectFolder, page), 'utf8')).join('\n');
    const blocks = [...text.matchAll(/^```ts\n\/\/ (\S+)\n([^]*?)^```$/gm)];
    const files = Object.fromEntries(blocks.map(([, path = '', code = '']) => [path, code]));
    const plainLaw = files[law]?.replace(/^import .* from '@jest\/globals';$/m, plainTests);
    project = plantProject({ ...files, 'run-examples.mjs': runner, 'test/modifiers/run-law.ts': plainLaw ?? '' });
    for (const folder of ['src/kernel', 'src/compile', 'src/definitions', 'test/support'])
      cpSync(join(projectFolder, folder), join(project.folder, folder), { recursive: true });
  });
  afterAll(() => project.remove());

  it('do what they say', async () => {
    const results = JSON.parse(await project.run(join(project.folder, 'run-examples.mjs'))) as [
      string,
      unknown,
      unknown,
    ][];
    expect(results).toHaveLength(12);
    expect(results.map(([title, actual]) => [title, actual])).toEqual(
      results.map(([title, , expected]) => [title, expected]),
    );
  });

  it('hold the law', async () => {
    expect(await project.run(join(project.folder, 'test/modifiers/run-law.ts'))).toBe(
      'makes the same of a text, whatever the cuts\nholds nothing\n',
    );
  });

  it('have the right types', async () => {
    const output = await project.run('typescript/bin/tsc', '-p', 'tsconfig.json', '--pretty', 'false', '--listFiles');
    expect(output).toContain('src/modifiers/dash.ts');
    const checked = [...components, law];
    expect(output.split('\n').filter((line) => checked.some((path) => line.startsWith(path)))).toEqual([]);
  });

  it('pass the linter', async () => {
    expect(JSON.parse(await project.run('oxlint/bin/oxlint', '--format', 'json', ...components))).toMatchObject({
      diagnostics: [],
    });
  });
});
