import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';

/** What came. */
export interface TokenServerRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The body as a form. */
  readonly form: URLSearchParams;
  /** Subject of the certificate that the client showed and an authority of the server signed. */
  readonly certificateSubject: string | undefined;
}

/** What is said to it. Without `json` and `body` the body is empty. */
export interface TokenServerAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  readonly body?: string;
  /** Resolves when the answer may leave. */
  readonly after?: Promise<unknown>;
  /** `frozen`: never a byte. `half`: the head and a part of the body, then silence. `reset`: the socket is destroyed. */
  readonly fault?: 'frozen' | 'half' | 'reset';
  /** Bytes in place of a whole HTTP answer; the connection ends behind them. */
  readonly raw?: string | Buffer;
}

type Say = TokenServerAnswer | ((request: TokenServerRequest) => TokenServerAnswer | Promise<TokenServerAnswer>);

export interface TokenServerOptions {
  /** Speaks TLS with these, and asks for a client certificate that one of `clientAuthorities` signed. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly clientAuthorities?: readonly string[] };
}

export interface TokenServer {
  /** Such as `http://127.0.0.1:40001`. */
  readonly origin: string;
  /** `origin` with `/token`; any other path is answered just the same. */
  readonly url: string;
  readonly requests: readonly TokenServerRequest[];
  /** Waits for the next answers in turn; the last one counts for whatever comes later. */
  answer(first: Say, ...later: readonly Say[]): void;
  close(): Promise<void>;
}

/** A small token endpoint on 127.0.0.1 that says what a test tells it to say. 500 until it was told anything. */
export async function startTokenServer({ tls }: TokenServerOptions = {}): Promise<TokenServer> {
  const requests: TokenServerRequest[] = [];
  let script: Say[] = [{ status: 500 }];
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const request = await readRequest(incoming);
    requests.push(request);
    const say = (script.length > 1 ? script.shift() : script[0]) ?? {};
    await write(typeof say === 'function' ? await say(request) : say, outgoing);
  };
  const listener: RequestListener = (incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tlsOptions(tls), listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const origin = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  return {
    origin,
    url: `${origin}/token`,
    requests,
    answer: (first, ...later) => {
      script = [first, ...later];
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function tlsOptions({ key, cert, clientAuthorities = [] }: NonNullable<TokenServerOptions['tls']>) {
  return { key, cert, ca: [...clientAuthorities], requestCert: true, rejectUnauthorized: false };
}

async function readRequest(incoming: IncomingMessage): Promise<TokenServerRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('utf8');
  const { socket } = incoming;
  const isKnown = socket instanceof TLSSocket && socket.authorized;
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)])),
    body,
    form: new URLSearchParams(body),
    certificateSubject: isKnown ? String(socket.getPeerCertificate().subject.CN) : undefined,
  };
}

async function write(answer: TokenServerAnswer, outgoing: ServerResponse): Promise<void> {
  await answer.after;
  if (answer.fault === 'frozen') return;
  if (answer.fault === 'reset') {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  if (answer.raw !== undefined) {
    outgoing.socket?.end(answer.raw);
    return;
  }
  const isJson = answer.json !== undefined;
  const body = isJson ? JSON.stringify(answer.json) : (answer.body ?? '');
  outgoing.writeHead(answer.status ?? 200, {
    ...(isJson && { 'content-type': 'application/json' }),
    ...answer.headers,
  });
  if (answer.fault === 'half') outgoing.write(body.slice(0, Math.ceil(body.length / 2)));
  else outgoing.end(body);
}
