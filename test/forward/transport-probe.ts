import { afterEach } from '@jest/globals';
import type { Socket } from 'node:net';
import {
  createUndiciTransport,
  type UndiciTransport,
  type UndiciTransportOptions,
} from '../../src/forward/undici-transport.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { UpstreamHead, UpstreamListener, UpstreamRequest } from '../../src/kernel/upstream.ts';
import { rawServer, type RawConnection, type RawServer } from './raw-server.ts';

/** Undone after each test, last first. */
export const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
});

export const okay = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
export const chunkedHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n';

export function transport(options: Partial<UndiciTransportOptions> = {}): UndiciTransport {
  const one = createUndiciTransport({
    profile: 'private',
    connectTimeoutMilliseconds: 5_000,
    clock: systemClock,
    ...options,
  });
  cleanup.push(() => one.close());
  return one;
}

export async function serve(
  onRequest: (connection: RawConnection) => unknown,
  onAccept?: (socket: Socket) => void,
): Promise<RawServer> {
  const server = await rawServer((connection) => void onRequest(connection), onAccept);
  cleanup.push(() => server.close());
  return server;
}

export function post(origin: string, body = '{}'): UpstreamRequest {
  return { method: 'POST', origin, path: '/v1/chat/completions', headers: {}, body };
}

export type Hooks = Partial<Record<'onConnected' | 'onHead' | 'onData' | 'onEnd', () => void>>;

export function recorder(seen: string[], hooks: Hooks = {}): UpstreamListener {
  return {
    onConnected: () => {
      seen.push('connected');
      hooks.onConnected?.();
    },
    onHead: () => {
      seen.push('head');
      hooks.onHead?.();
    },
    onData: () => {
      seen.push('data');
      hooks.onData?.();
    },
    onEnd: () => {
      seen.push('end');
      hooks.onEnd?.();
    },
    onError: (error) => {
      seen.push(codeOf(error));
    },
  };
}

export interface Answer {
  readonly outcome: string;
  readonly head: UpstreamHead | undefined;
  readonly text: string;
  readonly message?: string;
  readonly context?: unknown;
}

export function ask(
  one: UndiciTransport,
  request: UpstreamRequest,
  seen: string[] = [],
  hooks: Hooks = {},
): Promise<Answer> {
  return new Promise((done) => {
    let head: UpstreamHead | undefined;
    let text = '';
    const inner = recorder(seen, hooks);
    one.send(request, {
      ...inner,
      onHead: (value) => {
        head = value;
        inner.onHead(value);
      },
      onData: (chunk) => {
        text += chunk.toString('latin1');
        if (seen.at(-1) === 'data') hooks.onData?.();
        else inner.onData(chunk);
      },
      onEnd: () => {
        inner.onEnd();
        done({ outcome: 'end', head, text });
      },
      onError: (error) => {
        inner.onError(error);
        const { message, context } = error as SluiceError;
        done({ outcome: codeOf(error), head, text, message, context });
      },
    });
    seen.push('sent');
  });
}

export function codeOf(error: unknown): string {
  return error instanceof SluiceError ? error.code : `not a SluiceError: ${String(error)}`;
}
