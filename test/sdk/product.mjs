import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';

export const projectFolder = fileURLToPath(new URL('../..', import.meta.url));
const buildFolder = join(projectFolder, 'dist');

const startLimitMilliseconds = 20_000;
const stopLimitMilliseconds = 10_000;
const clientTimeoutMilliseconds = 15_000;
const maximumLogCharacters = 100_000;

/**
 * Starts the built product, or a copy of it, on a free port and waits until it is ready. `log()` is what it has printed so
 * far.
 */
export async function startProduct(pipelinesFolder, environment = {}, build = buildFolder) {
  const child = spawn(process.execPath, ['--enable-source-maps', join(build, 'main.js')], {
    cwd: projectFolder,
    env: {
      PATH: process.env.PATH,
      HOST: '127.0.0.1',
      PORT: '0',
      SLUICE_PIPELINES_DIR: pipelinesFolder,
      SLUICE_LOG_LEVEL: 'warn',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = once(child, 'exit');
  let printed = '';
  const keep = (piece) => (printed = (printed + piece).slice(-maximumLogCharacters));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);

  const alive = () => child.exitCode === null && child.signalCode === null;
  const stop = async () => {
    if (alive()) child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), stopLimitMilliseconds);
    const [code, signal] = await gone;
    clearTimeout(kill);
    return code ?? signal;
  };
  const origin = await waitUntilReady(() => printed, alive).catch(async (error) => {
    await stop();
    throw error;
  });
  return {
    origin,
    alive,
    log: () => printed,
    /** Asks it to end, and resolves to its exit code, or to the name of the signal that it took. */
    stop,
    /** The official client for one pipeline, with nothing changed but the address. */
    client: (pipeline, options = {}) =>
      new OpenAI({
        baseURL: `${origin}/pipelines/${pipeline}/v1`,
        apiKey: 'not-needed-yet',
        maxRetries: 0,
        timeout: clientTimeoutMilliseconds,
        ...options,
      }),
  };
}

/** Writes pipelines, `{ name: definition }`, to a new folder. */
export function writePipelines(pipelines) {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-sdk-'));
  for (const [name, definition] of Object.entries(pipelines)) {
    writeFileSync(
      join(folder, `${name}.json`),
      JSON.stringify({ apiVersion: 'sluice/v1', name, ...definition }, null, 2),
    );
  }
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The build in a folder of its own, with files of somebody else, `{ path: text }`, beside those of the product. */
export function copyBuild(files) {
  const root = mkdtempSync(join(tmpdir(), 'sluice-sdk-build-'));
  const folder = join(root, 'dist');
  cpSync(buildFolder, folder, { recursive: true, filter: (path) => !path.endsWith('.map') });
  symlinkSync(join(projectFolder, 'node_modules'), join(root, 'node_modules'), 'junction');
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  return { folder, remove: () => rmSync(root, { recursive: true, force: true }) };
}

/** Resolves to the origin that the product says it listens on, once it answers there. */
async function waitUntilReady(printed, alive) {
  const deadline = Date.now() + startLimitMilliseconds;
  while (Date.now() < deadline && alive()) {
    const [, origin] = /listens on (http:\/\/\S+)/.exec(printed()) ?? [];
    if (origin !== undefined && (await isReady(origin))) return origin;
    await sleep(50);
  }
  throw new Error(`the product did not become ready:\n${printed()}`);
}

async function isReady(origin) {
  const response = await fetch(`${origin}/readyz`).catch(() => undefined);
  return response?.status === 200;
}
