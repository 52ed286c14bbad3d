import process from 'node:process';
import { readEnvironment } from '../config/environment.ts';
import { systemClock } from '../kernel/clock.ts';
import { describeCause } from '../kernel/errors.ts';
import { currentRun } from '../kernel/run.ts';
import { createLog, type ProcessLog } from '../observability/log.ts';
import { discover } from '../registry/discover.ts';
import { startServer, type SluiceServer } from '../server.ts';

/** Runs the engine as a process: environment, signals, and what happens to errors that nobody caught. */
export async function serve(): Promise<void> {
  const read = readEnvironment(process.env);
  if ('problems' in read) {
    for (const problem of read.problems) process.stderr.write(`${problem}\n`);
    process.exit(2);
  }
  const { environment } = read;
  const log = createLog({ level: environment.logLevel, clock: systemClock });
  const registry = await discover(new URL('..', import.meta.url));
  const server = await startServer({ environment, registry, clock: systemClock, log }).catch((error: unknown) => {
    process.stderr.write(
      `Sluice could not start on ${environment.host}:${environment.port}: ${describeCause(error)}\n`,
    );
    process.exit(1);
  });
  endOnSignals(server, log);
  process.stdout.write(greeting(server));
}

function endOnSignals(server: SluiceServer, log: ProcessLog): void {
  let ending = false;
  const end = (exitCode: number): void => {
    if (ending) process.exit(exitCode === 0 ? 130 : exitCode);
    ending = true;
    void server
      .drain()
      .catch((error: unknown) => log.error('the drain failed', { error: describeCause(error) }))
      .then(() => log.close())
      .then(() => process.exit(exitCode));
  };
  process.on('SIGTERM', () => end(0));
  process.on('SIGINT', () => end(0));
  const onEscaped = (error: unknown): void => {
    const run = currentRun.getStore();
    log.error('an error escaped its component', { ...(run && { run: run.runId }), error: describeCause(error) });
    if (run !== undefined) run.fail(error);
    else if (!ending) end(1);
  };
  process.on('uncaughtException', onEscaped);
  process.on('unhandledRejection', onEscaped);
}

function greeting(server: SluiceServer): string {
  const { serving, degraded } = server.engine.pipelines();
  const lines = [`Sluice listens on ${server.origin}`, `Pipelines: ${serving.join(', ') || 'none'}`];
  if (server.admin !== undefined) lines.push(`Admin API on ${server.admin.origin}/admin/`);
  if (degraded.length > 0) lines.push(`With errors, see the log: ${degraded.join(', ')}`);
  const name = serving.includes('demo') ? 'demo' : serving[0];
  if (name !== undefined) {
    const question = name === 'demo' ? 'What is in the vault?' : 'Hello!';
    lines.push(
      '',
      'Try it:',
      `  curl -N ${server.origin}/pipelines/${name}/chat -H 'content-type: application/json' -d '{"messages":[{"role":"user","content":"${question}"}]}'`,
    );
  }
  return `${lines.join('\n')}\n\n`;
}
