import { afterEach, describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import { plantProject, projectFolder, type PlantedProject } from './planted-project.ts';

type Packages = Record<string, Record<string, unknown>>;

const integrity = 'sha512-AAAA';
const sound: Packages = { 'node_modules/undici': { version: '8.12.4', integrity } };

const mistakes: readonly (readonly [title: string, manifest: object, packages: Packages, expected: string])[] = [
  [
    'a git dependency',
    { dependencies: { undici: 'git+ssh://example.com/undici.git' } },
    sound,
    'only ^, ~ or an exact',
  ],
  [
    'a tarball dependency',
    { dependencies: { undici: 'https://example.com/undici.tgz' } },
    sound,
    'only ^, ~ or an exact',
  ],
  ['an open range', { dependencies: { undici: '>=1' } }, sound, 'only ^, ~ or an exact'],
  ['a script that is let run', { allowScripts: { undici: true } }, sound, 'lets undici run code at install'],
  [
    'a version that is a URL',
    {},
    { 'node_modules/a': { version: 'git+ssh://example.com/a.git#1', integrity } },
    'no plain version',
  ],
  [
    'a host name',
    {},
    { 'node_modules/a': { version: '1.0.0', integrity, resolved: 'https://example.com/a.tgz' } },
    'names the host',
  ],
  ['no integrity', {}, { 'node_modules/a': { version: '1.0.0' } }, 'has no sha512 integrity'],
  [
    'a weak integrity',
    {},
    { 'node_modules/a': { version: '1.0.0', integrity: 'sha1-AAAA' } },
    'has no sha512 integrity',
  ],
  [
    'an install script',
    {},
    { 'node_modules/a': { version: '1.0.0', integrity, hasInstallScript: true } },
    'wants to run an install script',
  ],
  ['an old undici', {}, { 'node_modules/undici': { version: '7.23.9', integrity } }, 'first safe version is 7.24.0'],
  [
    'an old fastify below another package',
    {},
    { 'node_modules/a/node_modules/fastify': { version: '4.0.0', integrity } },
    'first safe version is 5.8.3',
  ],
  [
    'a pre-release of the first safe version',
    {},
    { 'node_modules/@nestjs/core': { version: '11.1.18-next.1', integrity } },
    'first safe version is 11.1.18',
  ],
  [
    'a platform package that is missing',
    {},
    { 'node_modules/a': { version: '1.0.0', integrity, optionalDependencies: { 'a-win32': '1.0.0' } } },
    'needs a-win32',
  ],
  ['a link out of the folder', {}, { 'node_modules/a': { link: true, resolved: '../a' } }, 'is a link'],
  [
    'too many packages',
    {},
    Object.fromEntries(
      Array.from({ length: 101 }, (_, place) => [`node_modules/p${place}`, { version: '1.0.0', integrity }]),
    ),
    '101 packages at run time',
  ],
];

describe('the check of the lock', () => {
  let project: PlantedProject | undefined;
  afterEach(() => project?.remove());

  async function check(manifest: object, packages: Packages): Promise<string> {
    project = plantProject({
      'planted/package.json': JSON.stringify({ name: 'planted', version: '1.0.0', ...manifest }),
      'planted/package-lock.json': JSON.stringify({ lockfileVersion: 3, packages: { '': {}, ...packages } }),
    });
    return project.run(join(projectFolder, 'scripts/check-lock.mjs'), '--without-npm', join(project.folder, 'planted'));
  }

  it.each(mistakes)('finds %s', async (_title, manifest, packages, expected) => {
    expect(await check(manifest, packages)).toContain(expected);
  });

  it('takes scripts that are refused, nested platform packages and the first safe version', async () => {
    const output = await check(
      { dependencies: { undici: '^7.24.0' }, allowScripts: { a: false } },
      {
        'node_modules/undici': { version: '7.24.0', integrity },
        'node_modules/a': {
          version: '1.0.0',
          integrity,
          hasInstallScript: true,
          optionalDependencies: { 'a-linux': '1.0.0' },
        },
        'node_modules/a/node_modules/a-linux': { version: '1.0.0', integrity, optional: true },
      },
    );
    expect(output).toBe('');
  });

  it('finds nothing in the lock of the project', async () => {
    project = plantProject({});
    expect(await project.run(join(projectFolder, 'scripts/check-lock.mjs'), '--without-npm', projectFolder)).toBe('');
  });
});
