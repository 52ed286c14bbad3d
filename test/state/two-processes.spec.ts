import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { hashOf } from '../../src/kernel/tokens/hash-of.ts';
import { NumberMeter } from '../../src/observability/meter.ts';
import { SecretFiles } from '../../src/state/secret-files.ts';
import { LogCapture } from '../support/log-capture.ts';
import { startStateProcess, type StateProcess } from '../support/state-process.ts';
import { TestClock } from '../support/test-clock.ts';
import { startTokenServer, type TokenServer, type TokenServerAnswer } from '../support/token-server.ts';

let root: string;
let directory: string;
let processes: StateProcess[];
let server: TokenServer;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'sluice-shared-'));
  directory = join(root, 'state');
  processes = [];
  server = await startTokenServer();
});
afterEach(async () => {
  for (const each of processes) await each.kill();
  await server.close();
  rmSync(root, { recursive: true });
});

async function start(): Promise<StateProcess> {
  const started = await startStateProcess(directory);
  processes.push(started);
  return started;
}

/** Takes each refresh token once. One that comes again is a theft to it: it ends all that came of it. */
function detectReuse(): { readonly reused: () => number; readonly issued: () => number } {
  let current = 'first';
  let issued = 0;
  let reused = 0;
  server.answer(({ form }): TokenServerAnswer => {
    if (form.get('refresh_token') !== current) {
      reused += 1;
      current = 'revoked';
      return { status: 400, json: { error: 'invalid_grant' } };
    }
    issued += 1;
    current = `next-${issued}`;
    return { json: { access_token: `token-${issued}`, refresh_token: current, token_type: 'Bearer', expires_in: 60 } };
  });
  return { reused: () => reused, issued: () => issued };
}

describe('two processes with one folder', () => {
  const rounds = 40;

  it('never use one refresh token twice, from the first on', async () => {
    const { reused, issued } = detectReuse();
    const [one, other] = [await start(), await start()];
    for (let round = 1; round <= rounds; round += 1) {
      const tokens = await Promise.all([one.refresh(server.url, 'a'), other.refresh(server.url, 'a')]);
      expect([...tokens].sort()).toEqual([`token-${2 * round - 1}`, `token-${2 * round}`].sort());
    }
    expect([issued(), reused()]).toEqual([2 * rounds, 0]);
    expect([await one.messages(), await other.messages()]).toEqual([[], []]);
    expect(readdirSync(directory).sort()).toEqual([hashOf('a'), `${hashOf('a')}.lock`]);
  }, 60_000);

  it('do not wait for one another where they have other tokens', async () => {
    const [one, other] = [await start(), await start()];
    detectReuse();
    await one.hold('a');
    expect(await other.refresh(server.url, 'b')).toBe('token-1');
  });
});

describe('a process that has a cell for itself', () => {
  const clock = new TestClock();
  let log: LogCapture;
  let entered: string[];

  /** This process, at the same cell. */
  function wait(): Promise<void> {
    log = new LogCapture();
    entered = [];
    const store = new SecretFiles({ directory, clock, log, meter: new NumberMeter() });
    return store.open('a').exclusive(async () => void entered.push('in'));
  }

  /** The time of this process. The disk, which does not know that time, gets its turn in each step. */
  async function pass(milliseconds: number): Promise<void> {
    for (let passed = 0; passed < milliseconds && entered.length === 0; passed += 50) {
      await clock.advance(50);
      await stat(root);
    }
  }

  it('keeps another one out until it gives the cell back', async () => {
    const holder = await start();
    await holder.hold('a');
    const waiting = wait();
    await pass(5_000);
    expect(entered).toEqual([]);
    await holder.release();
    await pass(1_000);
    await waiting;
    expect(log.lines).toEqual([]);
  });

  it('frees it when it is killed, with nothing that has to be judged or removed', async () => {
    const holder = await start();
    await holder.hold('a');
    const waiting = wait();
    await pass(2_000);
    expect(entered).toEqual([]);
    await holder.kill();
    await pass(1_000);
    await waiting;
    expect(log.lines).toEqual([]);
  });

  it('delays another one by 10 s at most when it is frozen, and goes on where it was', async () => {
    const holder = await start();
    await holder.hold('a');
    await holder.freeze();
    const waiting = wait();
    await pass(9_900);
    expect(entered).toEqual([]);
    await pass(1_000);
    await waiting;
    expect(log.messages('warn')).toEqual(['a kept secret is used without its lock']);
    holder.thaw();
    await holder.release();
    const again = wait();
    await pass(1_000);
    await again;
    expect(log.lines).toEqual([]);
  });
});
