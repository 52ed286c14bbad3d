import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { plantProject, projectFolder, type PlantedProject } from './planted-project.ts';

// Other processes do the work here, and may have to wait for a core.
jest.setTimeout(60_000);

/** Runs the examples of both components under plain node and prints what came out, as JSON. */
const runner = `
import { dash } from './src/modifiers/dash.ts';
import { maxCharacters } from './src/processors/max-characters.ts';

function modify(example, pieces) {
  const rewriter = dash.create({ with: '—', ...example.config }, {}).open();
  return pieces.map((piece) => rewriter.text(piece)).join('') + rewriter.flush();
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
  ...maxCharacters.examples.map((example) => [example.title, process(example), example.expect]),
]));
`;

const components = ['src/modifiers/dash.ts', 'src/processors/max-characters.ts'];

describe('the examples of CONTRIBUTING.md', () => {
  let project: PlantedProject;
  beforeAll(() => {
    const page = readFileSync(join(projectFolder, 'CONTRIBUTING.md'), 'utf8');
    const blocks = [...page.matchAll(/^```ts\n\/\/ (\S+)\n([^]*?)^```$/gm)].map(([, path, text]) => [path, text]);
    project = plantProject({ ...Object.fromEntries(blocks), 'run-examples.mjs': runner });
    cpSync(join(projectFolder, 'src/kernel'), join(project.folder, 'src/kernel'), { recursive: true });
  });
  afterAll(() => project.remove());

  it('do what they say', async () => {
    const results = JSON.parse(await project.run(join(project.folder, 'run-examples.mjs'))) as [
      string,
      unknown,
      unknown,
    ][];
    expect(results).toHaveLength(8);
    expect(results.map(([title, actual]) => [title, actual])).toEqual(
      results.map(([title, , expected]) => [title, expected]),
    );
  });

  it('have the right types', async () => {
    const output = await project.run('typescript/bin/tsc', '-p', 'tsconfig.json', '--pretty', 'false', '--listFiles');
    expect(output).toContain('src/modifiers/dash.ts');
    expect(output.split('\n').filter((line) => components.some((path) => line.startsWith(path)))).toEqual([]);
  });

  it('pass the linter', async () => {
    expect(JSON.parse(await project.run('oxlint/bin/oxlint', '--format', 'json', ...components))).toMatchObject({
      diagnostics: [],
    });
  });
});
