import { createScriptedTransport, type ScriptedTransport } from '../../src/forward/scripted-transport.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { UpstreamScript } from '../../src/kernel/upstream-script.ts';
import type { UpstreamCall, UpstreamHead, UpstreamListener } from '../../src/kernel/upstream.ts';

export type Steps = UpstreamScript['script'];

/** Time stands still, and what waits is due at once. */
export const hastyClock: Clock = {
  now: () => 0,
  wallTime: () => 1_700_000_000_500,
  after: (_milliseconds, callback) => {
    const handle = setImmediate(callback);
    return { cancel: () => clearImmediate(handle) };
  },
  every: () => ({ cancel: () => {} }),
};

export interface Played {
  readonly events: string[];
  readonly pieces: Buffer[];
  readonly text: string;
  readonly head: UpstreamHead | undefined;
}

export type Hooks = Partial<Record<'onConnected' | 'onHead' | 'onData' | 'onEnd', () => void>>;
export type HooksOf = (call: () => UpstreamCall) => Hooks;

export function listen(
  events: string[],
  pieces: Buffer[],
  hooks: Hooks,
  onHead: (head: UpstreamHead) => void = () => {},
): UpstreamListener {
  return {
    onConnected: () => {
      events.push('connected');
      hooks.onConnected?.();
    },
    onHead: (head) => {
      events.push('head');
      onHead(head);
      hooks.onHead?.();
    },
    onData: (bytes) => {
      events.push('data');
      pieces.push(Buffer.from(bytes));
      hooks.onData?.();
    },
    onEnd: () => {
      events.push('end');
      hooks.onEnd?.();
    },
    onError: (error) => {
      events.push(error instanceof SluiceError ? error.code : String(error));
      hooks.onEnd?.();
    },
  };
}

export function start(transport: ScriptedTransport, body: Record<string, unknown>, hooksOf: HooksOf = () => ({})) {
  const events: string[] = [];
  const texts: string[] = [];
  const pieces: Buffer[] = [];
  let head: UpstreamHead | undefined;
  let finish: () => void = () => {};
  const over = new Promise<void>((done) => {
    finish = done;
  });
  const own = hooksOf(() => call);
  const hooks: Hooks = {
    ...own,
    onData: () => {
      texts.push(String(pieces.at(-1)));
      own.onData?.();
    },
    onEnd: () => finish(),
  };
  const request = {
    method: 'POST',
    origin: 'https://api.test',
    path: '/v1/chat/completions',
    headers: {},
    body: JSON.stringify(body),
  } as const;
  const call: UpstreamCall = transport.send(
    request,
    listen(events, pieces, hooks, (value) => {
      head = value;
    }),
  );
  events.push('sent');
  const done = over.then((): Played => ({ events, pieces, text: Buffer.concat(pieces).toString('utf8'), head }));
  return { call, events, texts, done };
}

/** Plays to the end; waits are over at once. */
export async function play(
  what: UpstreamScript | ScriptedTransport,
  body: Record<string, unknown>,
  hooksOf?: HooksOf,
): Promise<Played> {
  const transport = 'send' in what ? what : createScriptedTransport(what, { clock: hastyClock });
  return start(transport, body, hooksOf).done;
}
