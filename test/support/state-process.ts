import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { within } from './turn.ts';

/** Another process that keeps its secrets in the same folder, because a lock between processes needs two of them. */
export interface StateProcess {
  /** Asks a token server once with the newest refresh token of the cell. The token, or the reason of the failure. */
  refresh(tokenUrl: string, key: string): Promise<string>;
  /** Resolves when it has the cell for itself; it keeps it until `release`, or its end. */
  hold(key: string): Promise<void>;
  release(): Promise<void>;
  /** What its log said, above debug. */
  messages(): Promise<readonly string[]>;
  /** SIGSTOP. */
  freeze(): Promise<void>;
  /** SIGCONT. */
  thaw(): void;
  /** SIGKILL; resolves when the system has let go of it. */
  kill(): Promise<void>;
}

const module = (path: string): string => JSON.stringify(new URL(`../../${path}`, import.meta.url));

const program = (directory: string): string => `
import { HttpCalls } from ${module('src/forward/http-calls.ts')};
import { systemClock as clock } from ${module('src/kernel/clock.ts')};
import { noClient } from ${module('src/kernel/tokens/oauth/client-authentication.ts')};
import { refreshGrant } from ${module('src/kernel/tokens/oauth/refresh-rotation.ts')};
import { SecretFiles } from ${module('src/state/secret-files.ts')};
const messages = [];
const say = (message) => void messages.push(message);
const log = { debug: () => {}, info: say, warn: say, error: say };
const store = new SecretFiles({ directory: ${JSON.stringify(directory)}, clock, log, meter: { count: () => {} } });
const http = new HttpCalls(clock);
let release;
const acts = {
  refresh: ({ url, key }) => refreshGrant({
    endpoint: { url, network: 'private', timeoutMilliseconds: 5_000, authentication: noClient },
    parameters: {},
    first: 'first',
    cell: store.open(key),
  }, { http, clock }).then(({ token }) => token, (error) => String(error.context?.reason ?? error)),
  hold: ({ key }) => new Promise((held) => {
    void store.open(key).exclusive(() => new Promise((resolve) => { release = resolve; held('held'); }));
  }),
  release: async () => { release(); return 'released'; },
  messages: async () => messages,
};
process.on('message', async ({ act, ...rest }) => process.send({ said: await acts[act](rest) }));
process.on('disconnect', () => process.exit());
process.send({ said: 'ready' });
`;

export async function startStateProcess(directory: string): Promise<StateProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program(directory)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  // A warning of Node, such as one of an experiment, would be seen by operators too.
  const complaints: string[] = [];
  child.stderr?.on('data', (bytes: Buffer) => complaints.push(bytes.toString('utf8')));
  const exit = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const said = async (what: string): Promise<unknown> => {
    const message = await within(
      new Promise<{ said: unknown }>((resolve) => child.once('message', (got) => resolve(got as { said: unknown }))),
      what,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)} ${complaints.join('\n')}`);
    });
    return message.said;
  };
  const ask = (act: string, rest: object = {}): Promise<unknown> => {
    const answer = said(act);
    child.send({ act, ...rest });
    return answer;
  };
  await said('the process to be ready');
  return {
    refresh: async (url, key) => String(await ask('refresh', { url, key })),
    hold: async (key) => void (await ask('hold', { key })),
    release: async () => void (await ask('release')),
    messages: async () => [...((await ask('messages')) as string[]), ...complaints],
    freeze: async () => {
      child.kill('SIGSTOP');
      while (!(await stateOf(child.pid)).startsWith('T'));
    },
    thaw: () => void child.kill('SIGCONT'),
    kill: async () => {
      child.kill('SIGKILL');
      await exit;
    },
  };
}

/** As `ps` tells it: `T` for a process that is stopped. */
async function stateOf(pid: number | undefined): Promise<string> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'state=', '-p', String(pid)]);
  return stdout.trim();
}
