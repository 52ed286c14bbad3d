/*
 * Proves that package-lock.json installs the same, safe tree on every platform.
 *
 *   node scripts/check-lock.mjs [--without-npm] [FOLDER ...]
 *
 * Reads the lock of each folder (the project and test/sdk when none is named), prints one line per mistake and exits
 * with 1 if there was any. `--without-npm` leaves out the question to npm itself.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));

/** The first versions without a known hole that this product would be open to. */
const minimumVersions = { fastify: '5.8.3', '@nestjs/core': '11.1.18', undici: '7.24.0' };

/** Packages that an operator installs. Every one is trusted with every prompt, so the number may not creep up. */
const runtimePackageBudget = 100;

const plainVersion = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;
const plainRange = /^(?:npm:(?:@[a-z0-9-]+\/)?[a-z0-9-.]+@)?[~^]?\d+(?:\.\d+){0,2}(?:-[0-9A-Za-z.-]+)?$/;

const parameters = process.argv.slice(2);
const named = parameters.filter((parameter) => !parameter.startsWith('--'));
const folders = named.length > 0 ? named : [projectFolder, join(projectFolder, 'test/sdk')];
const mistakes = folders.flatMap((folder) => checkFolder(folder));
for (const mistake of mistakes) console.log(mistake);
if (mistakes.length > 0) console.log(`${mistakes.length} mistakes`);
process.exitCode = mistakes.length > 0 ? 1 : 0;

function checkFolder(folder) {
  const title = relative(process.cwd(), folder) || '.';
  const say = (text) => `${title}: ${text}`;
  if (!existsSync(join(folder, 'package-lock.json'))) return [say('there is no package-lock.json')];
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const entries = Object.entries(lock.packages ?? {}).filter(([path]) => path !== '');
  const found = [
    ...checkManifest(manifest),
    ...entries.flatMap(([path, entry]) => checkEntry(path, entry, manifest.allowScripts ?? {})),
    ...checkPlatformPackages(lock.packages ?? {}),
    ...checkBudget(entries),
    ...(parameters.includes('--without-npm') ? [] : askNpm(folder)),
  ];
  return found.map(say);
}

function checkManifest(manifest) {
  const direct = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  const allowed = Object.entries(manifest.allowScripts ?? {}).filter(([, allow]) => allow !== false);
  return [
    ...Object.entries(direct)
      .filter(([, range]) => !plainRange.test(range))
      .map(([name, range]) => `package.json: ${name} is asked for as "${range}"; only ^, ~ or an exact version`),
    ...allowed.map(([name]) => `package.json: allowScripts lets ${name} run code at install`),
  ];
}

function checkEntry(path, entry, allowScripts) {
  const name = entry.name ?? packageName(path);
  const found = [];
  if (entry.link === true) return [`${path} is a link`];
  if (!plainVersion.test(entry.version ?? '')) found.push(`${path} has no plain version but "${entry.version}"`);
  if (entry.resolved !== undefined) found.push(`${path} names the host it was loaded from`);
  if (entry.inBundle !== true && !(entry.integrity ?? '').startsWith('sha512-'))
    found.push(`${path} has no sha512 integrity`);
  if (entry.hasInstallScript === true && allowScripts[name] !== false) {
    found.push(`${path} wants to run an install script and is not listed under allowScripts`);
  }
  const minimum = minimumVersions[name];
  if (minimum !== undefined && compareVersions(entry.version ?? '0.0.0', minimum) < 0) {
    found.push(`${path} is ${entry.version}; the first safe version is ${minimum}`);
  }
  return found;
}

/** An optional package that is absent from the lock makes `npm ci` fail, or a platform go without its binary. */
function checkPlatformPackages(packages) {
  return Object.entries(packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {})
      .filter((name) => findPackage(packages, path, name) === undefined)
      .map((name) => `${path === '' ? 'package.json' : path} needs ${name}, which is not in the lock`),
  );
}

function checkBudget(entries) {
  const runtime = entries.filter(([, { dev, devOptional, optional }]) => !dev && !devOptional && !optional);
  if (runtime.length <= runtimePackageBudget) return [];
  return [`${runtime.length} packages at run time; the budget is ${runtimePackageBudget}`];
}

function askNpm(folder) {
  const npm = process.env.npm_execpath;
  const dryRun = ['ci', '--dry-run', '--ignore-scripts', '--no-audit', '--no-fund'];
  const options = { cwd: folder, encoding: 'utf8', timeout: 120_000 };
  const { status, stderr, error } =
    npm === undefined ? spawnSync('npm', dryRun, options) : spawnSync(process.execPath, [npm, ...dryRun], options);
  if (status === 0) return [];
  return [`npm ci --dry-run refuses the lock: ${(stderr || String(error)).trim()}`];
}

/** Looks a package up as Node does: beside the one that needs it, then in each folder above. */
function findPackage(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const entry = packages[`${folder}${folder === '' ? '' : '/'}node_modules/${name}`];
    if (entry !== undefined || folder === '') return entry;
  }
}

function packageName(path) {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
}

/** Negative when `left` is the older version. A pre-release is older than its release. */
function compareVersions(left, right) {
  const [before, after] = [left, right].map((version) => version.split(/[-+]/)[0].split('.').map(Number));
  const differing = [0, 1, 2].find((place) => before[place] !== after[place]);
  if (differing !== undefined) return before[differing] - after[differing];
  return Number(!left.includes('-')) - Number(!right.includes('-'));
}
