import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { projectFolder } from './planted-project.ts';

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly overrides?: Readonly<Record<string, string>>;
}

const read = (path: string): string => readFileSync(join(projectFolder, path), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;
const sdkManifest = JSON.parse(read('test/sdk/package.json')) as Manifest;
const sections = new Map(
  read('docs/dependencies.md')
    .split(/^## /m)
    .map((section) => [section.split('\n')[0], [...section.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name)]),
);

describe('docs/dependencies.md', () => {
  it.each([
    ['At run time', manifest.dependencies],
    ['For development', manifest.devDependencies],
    ['Optional', manifest.optionalDependencies],
    ['Overrides', manifest.overrides],
    ['Elsewhere', sdkManifest.dependencies],
  ])('lists under "%s" what is installed', (title, packages) => {
    expect(new Set(sections.get(title))).toEqual(new Set(Object.keys(packages ?? {})));
  });
});
