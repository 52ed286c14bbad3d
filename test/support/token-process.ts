import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { within } from './turn.ts';

/** A token server in a process of its own, because only a process can be frozen. Its tokens are `token-1`, `token-2`, ... */
export interface TokenProcess {
  readonly url: string;
  /** Requests that it has read so far; it must not be frozen. */
  requests(): Promise<number>;
  /** SIGSTOP: the system still accepts connections for it, and nothing answers. */
  freeze(): Promise<void>;
  /** SIGCONT: it goes on where it was, with all that came meanwhile. */
  thaw(): void;
  close(): Promise<void>;
}

const program = (lifetimeSeconds: number): string => `
import { startTokenServer } from ${JSON.stringify(new URL('token-server.ts', import.meta.url))};
const server = await startTokenServer();
let issued = 0;
server.answer(() => {
  issued += 1;
  return { json: { access_token: 'token-' + issued, token_type: 'Bearer', expires_in: ${lifetimeSeconds} } };
});
process.on('message', () => process.send(server.requests.length));
process.on('disconnect', () => process.exit());
process.send(server.url);
`;

export async function startTokenProcess(lifetimeSeconds = 3_600): Promise<TokenProcess> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program(lifetimeSeconds)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exit = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const said = (what: string): Promise<unknown> =>
    within(new Promise((resolve) => child.once('message', resolve)), what);
  const url = String(await said('the address of the token server'));
  return {
    url,
    requests: async () => {
      const answer = said('the number of token requests');
      child.send('requests');
      return Number(await answer);
    },
    freeze: async () => {
      child.kill('SIGSTOP');
      while (!(await stateOf(child.pid)).startsWith('T'));
    },
    thaw: () => void child.kill('SIGCONT'),
    close: async () => {
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
