import { chatRequest } from './chat-request.ts';
import { errorMessage } from './error-message.ts';
import { HeldStreams } from './held-streams.ts';
import { LoadConnection } from './load-connection.ts';
import type { LoadCommands, ProbeResult, Target } from './load-job.ts';
import { LoadRun } from './load-run.ts';

/*
 * The clients of the bench, in a process of their own. run.ts sends `{ id, command, input }` on the IPC channel and
 * gets `{ id, result }` or `{ id, error }`; one command at a time. The process ends when the channel closes.
 */

const probeTimeoutMilliseconds = 10_000;

function probe(target: Target): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    let body = '';
    const timer = setTimeout(
      () => reject(new Error(`no complete answer in ${probeTimeoutMilliseconds} ms`)),
      probeTimeoutMilliseconds,
    );
    const connection = new LoadConnection(target.port, chatRequest(target), {
      firstByte: () => {},
      body: (bytes, start, end) => (body += bytes.toString('latin1', start, end)),
      end: (summary) => {
        clearTimeout(timer);
        connection.destroy();
        resolve({ status: summary.status, body });
      },
      closed: (reason) => {
        clearTimeout(timer);
        reject(new Error(reason));
      },
    });
    connection.send();
  });
}

let held: HeldStreams | undefined;

const commands: LoadCommands = {
  load: (job) => new LoadRun(job).run(),
  hold(job) {
    held?.close();
    held = new HeldStreams(job);
    return held.open();
  },
  async release() {
    held?.close();
    held = undefined;
  },
  probe,
};

interface Call {
  readonly id: number;
  readonly command: keyof LoadCommands;
  readonly input: unknown;
}

async function handle(call: Call): Promise<void> {
  try {
    const command = commands[call.command] as (input: unknown) => Promise<unknown>;
    process.send?.({ id: call.id, result: await command(call.input) });
  } catch (error) {
    process.send?.({ id: call.id, error: errorMessage(error) });
  }
}

process.on('disconnect', () => process.exit(0));
process.on('message', (message) => void handle(message as Call));
process.send?.({ port: 0 });
