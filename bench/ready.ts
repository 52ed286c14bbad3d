import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from './child-processes.ts';

const readyTimeoutMilliseconds = 20_000;
const requestTimeoutMilliseconds = 2_000;
const maxBodyBytes = 1_048_576;

export interface TextAnswer {
  readonly status: number;
  readonly body: string;
}

/** A small GET on a connection of its own. Status 0 when nobody answers. */
export function get(port: number, path: string): Promise<TextAnswer> {
  return new Promise((resolve) => {
    const failed = (): void => resolve({ status: 0, body: '' });
    const outgoing = request(
      { host: '127.0.0.1', port, path, agent: false, timeout: requestTimeoutMilliseconds },
      (answer) => {
        let body = '';
        answer.setEncoding('utf8');
        answer.on('data', (text: string) => {
          if (body.length < maxBodyBytes) body += text;
        });
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }));
        answer.on('error', failed);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.on('error', failed);
    outgoing.end();
  });
}

/** Waits until `path` answers with one of the statuses; throws when the process ends or takes too long. */
export async function untilReady(child: Child, port: number, path: string, statuses: readonly number[]): Promise<void> {
  const deadline = performance.now() + readyTimeoutMilliseconds;
  let last = 0;
  while (performance.now() < deadline && child.running) {
    last = (await get(port, path)).status;
    if (statuses.includes(last)) return;
    await sleep(50);
  }
  const state = child.running ? `GET ${path} answers ${last}` : 'it ended';
  throw new Error(`${child.name} is not ready: ${state}. ${child.output}`.trim());
}
