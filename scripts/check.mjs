/*
 * Everything that must hold before a change is merged: `npm run check`.
 *
 *   node scripts/check.mjs [--without-tests] [--only NAME[,NAME]]
 *
 * Runs the parts one after another and prints one line each. A part that fails shows its whole output at the end, so
 * one run tells all that is wrong; the exit code is then 1.
 */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const projectFolder = dirname(dirname(fileURLToPath(import.meta.url)));

/** Name of the part, as printed, and the script of package.json that it is. */
const parts = [
  ['format', 'format:check'],
  ['lint', 'lint'],
  ['types', 'typecheck'],
  ['imports', 'cruise'],
  ['unused', 'knip'],
  ['generated', 'generate:check'],
  ['lock', 'lock:check'],
  ['build', 'build'],
  ['tests', 'test'],
];

const parameters = process.argv.slice(2);
const chosen = chooseParts(parameters);
const failures = [];
for (const [name, script] of chosen) {
  if (process.stdout.isTTY) process.stdout.write(`${name.padEnd(10)} ...`);
  const result = await runScript(script);
  const mark = result.passed ? 'ok    ' : 'FAILED';
  process.stdout.write(
    `${process.stdout.isTTY ? '\r' : ''}${name.padEnd(10)} ${mark} ${result.seconds.padStart(6)} s\n`,
  );
  if (!result.passed) failures.push({ name, script, output: result.output });
}
for (const { name, script, output } of failures) {
  console.log(`\n---- ${name} (npm run ${script}) ----\n${output.trim()}`);
}
console.log(failures.length === 0 ? '\nall parts passed' : `\nfailed: ${failures.map(({ name }) => name).join(', ')}`);
process.exitCode = failures.length === 0 ? 0 : 1;

function chooseParts(options) {
  const place = options.indexOf('--only');
  const only = place < 0 ? undefined : (options[place + 1] ?? '').split(',');
  const unknown = (only ?? []).filter((name) => !parts.some((part) => part[0] === name));
  if (unknown.length > 0) {
    console.error(`no part "${unknown.join('", "')}"; there are ${parts.map(([name]) => name).join(', ')}`);
    process.exit(2);
  }
  return parts.filter(([name]) => {
    if (only !== undefined) return only.includes(name);
    return name !== 'tests' || !options.includes('--without-tests');
  });
}

/** Runs a script of package.json and keeps what it prints, in the order in which it prints it. */
function runScript(script) {
  const npm = process.env.npm_execpath;
  const [command, first] = npm === undefined ? ['npm', []] : [process.execPath, [npm]];
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, [...first, 'run', '--silent', script], {
      cwd: projectFolder,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: npm === undefined && process.platform === 'win32',
    });
    const pieces = [];
    child.stdout.on('data', (piece) => pieces.push(piece));
    child.stderr.on('data', (piece) => pieces.push(piece));
    const settle = (passed, trouble = '') => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      resolve({ passed, seconds, output: Buffer.concat(pieces).toString('utf8') + trouble });
    };
    child.on('error', (error) => settle(false, String(error)));
    child.on('close', (code, signal) => settle(code === 0, code === null ? `\nended by ${signal}` : ''));
  });
}
