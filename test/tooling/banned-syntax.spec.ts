import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { findBannedSyntax } from './banned-syntax.ts';
import { projectFolder } from './planted-project.ts';

const violations = [
  ['clock', 'src/compile/a.ts', 'export const now = new Date();'],
  ['clock', 'src/compile/a.ts', 'export const now = new Date;'],
  ['clock', 'src/compile/a.ts', 'export const now = Date();'],
  ['comment', 'src/compile/a.ts', '// oxlint-disable-next-line no-console\nexport const a = 1;'],
  ['comment', 'src/compile/a.ts', '// @ts-expect-error it is wrong\nexport const a: string = 1;'],
  ['erasable', 'src/compile/a.ts', 'export enum Size { small, large }'],
  ['erasable', 'src/compile/a.ts', 'export namespace Sizes { export const small = 1; }'],
  ['erasable', 'src/compile/a.ts', 'export class Box { constructor(private readonly size: number) {} }'],
  ['import', 'src/compile/a.ts', 'export const load = (name: string) => import(name);'],
  ['name', 'src/compile/index.ts', 'export const a = 1;'],
] as const;

const innocents = [
  ['src/kernel/clock.ts', 'export const now = (): Date => new Date();'],
  ['src/compile/a.ts', 'export const day = (time: number): string => new Date(time).toISOString();'],
  ['src/compile/a.ts', 'declare global { var marker: string; }\nexport const load = () => import("./b.ts");'],
  ['src/http/a.controller.ts', 'export class A { constructor(private readonly engine: object) {} }'],
  ['src/registry/discover.ts', 'export const load = (name: string) => import(name);'],
] as const;

describe('syntax that the project bans', () => {
  it.each(violations)('%s is found in %s: %s', (rule, path, text) => {
    expect(findBannedSyntax(path, text).map((finding) => finding.rule.split(':')[0])).toEqual([rule]);
  });

  it.each(innocents)('%s may say: %s', (path, text) => {
    expect(findBannedSyntax(path, text)).toEqual([]);
  });

  it('names the line', () => {
    expect(findBannedSyntax('src/a.ts', 'const a = 1;\n\nconst b = new Date();')).toMatchObject([{ line: 3 }]);
  });

  it('is nowhere in src', () => {
    const paths = globSync('src/**/*.ts', { cwd: projectFolder }).map((path) => path.replaceAll('\\', '/'));
    const findings = paths.flatMap((path) =>
      findBannedSyntax(path, readFileSync(join(projectFolder, path), 'utf8')).map(
        ({ rule, line }) => `${path}:${line} ${rule}`,
      ),
    );
    expect(findings).toEqual([]);
  });
});
