import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import type { Clock } from '../../src/kernel/clock.ts';
import { Arrivals } from './arrivals.ts';
import { FaultConnection, type ConnectionHost, type RequestRecord } from './fault-connection.ts';
import { Gates } from './gates.ts';
import { scenarioOf, type Scenario, type ScenarioLike, type TlsMode } from './scenario.ts';
import { makeCertificate } from './test-certificate.ts';

/** One for all requests; or one after another, the last again and again; or chosen by the whole request. */
export type ScenarioSource = ScenarioLike | readonly ScenarioLike[] | ((request: RequestRecord) => ScenarioLike);

export interface FaultUpstreamOptions {
  /** For steps that wait for a time, and for the times in the records. */
  readonly clock?: Clock;
  /** Needed only where the scenarios come from a function. */
  readonly tls?: TlsMode;
}

/** A provider that fails as it is told to. Every open handle of it is gone after `close`. */
export interface FaultUpstream {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, or `https:` with TLS. */
  readonly origin: string;
  /** PEM of the authority that signed the certificate of TLS mode `valid`, `expired` and `wrong-name`; else "". */
  readonly authority: string;
  readonly requests: readonly RequestRecord[];
  readonly connections: readonly FaultConnection[];
  /** Connections that are open, in use or not. */
  readonly openConnections: number;
  /** Connections that are open and not just kept for a later request. */
  readonly activeConnections: number;
  /** Mistakes: bytes that are no HTTP request, scenarios that can't be played. */
  readonly problems: readonly string[];
  /** The next request whose scenario begins. The first call gives the first request, also when it is long over. */
  nextRequest(): Promise<RequestRecord>;
  nextConnection(): Promise<FaultConnection>;
  /** The next connection that is closed, in the order of closing. */
  nextClose(): Promise<FaultConnection>;
  /** Opens a gate, for all who stand at it now or come later. */
  release(gate: string): void;
  /** Resolves as soon as a scenario has come to the gate. */
  reached(gate: string): Promise<void>;
  /** Drops every connection that is kept for later, as a provider does whose keep-alive time is over. */
  closeIdle(how?: 'fin' | 'reset'): void;
  close(): Promise<void>;
}

/** Starts the server on a free port of 127.0.0.1. */
export async function startFaultUpstream(
  source: ScenarioSource,
  options: FaultUpstreamOptions = {},
): Promise<FaultUpstream> {
  const scenarios = new ScenarioQueue(source);
  const tls = options.tls ?? scenarios.tls;
  const secrets = tls === undefined || tls === 'handshake-stall' ? undefined : secretsFor(tls);
  const requests: RequestRecord[] = [];
  const [played, opened, closed] = [
    new Arrivals<RequestRecord>(),
    new Arrivals<FaultConnection>(),
    new Arrivals<FaultConnection>(),
  ];
  const host: ConnectionHost = {
    gates: new Gates(),
    clock: options.clock,
    problems: [],
    onHead: (request) => void requests.push(request),
    take: (request) => {
      const scenario = scenarios.forRequest(request);
      if (scenario !== undefined) played.push(request);
      return scenario;
    },
    onClosed: (connection) => closed.push(connection),
    requestCount: () => requests.length,
  };
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
    const socket = secrets === undefined ? raw : secured(raw, secrets.context);
    const connection = new FaultConnection(opened.items.length + 1, socket, raw, host);
    opened.push(connection);
    if (tls === 'handshake-stall') return connection.ignore();
    const greeting = scenarios.forConnection();
    if (greeting !== undefined) connection.accept(greeting);
  });
  const port = await listen(server);
  const ofState = (test: (connection: FaultConnection) => boolean): FaultConnection[] => opened.items.filter(test);
  return {
    port,
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    authority: secrets?.authority ?? '',
    requests,
    connections: opened.items,
    problems: host.problems,
    get openConnections() {
      return ofState(({ state }) => state === 'open').length;
    },
    get activeConnections() {
      return ofState(({ active }) => active).length;
    },
    nextRequest: () => played.next('a request at the upstream'),
    nextConnection: () => opened.next('a connection to the upstream'),
    nextClose: () => closed.next('the close of a connection to the upstream'),
    release: (gate) => host.gates.release(gate),
    reached: (gate) => host.gates.reached(gate),
    closeIdle: (how = 'fin') =>
      ofState(({ state, active }) => state === 'open' && !active).forEach((connection) => connection.destroy(how)),
    close: () => close(server, opened.items),
  };
}

/** Which scenario is whose turn. */
class ScenarioQueue {
  readonly #choose: ((request: RequestRecord) => ScenarioLike) | undefined;
  readonly #list: readonly Scenario[];
  #position = 0;

  constructor(source: ScenarioSource) {
    this.#choose = typeof source === 'function' ? source : undefined;
    this.#list = typeof source === 'function' ? [] : listOf(source);
  }

  get tls(): TlsMode | undefined {
    return this.#list.find(({ tls }) => tls !== undefined)?.tls;
  }

  /** Undefined while the scenario waits for the rest of the request. */
  forRequest(request: RequestRecord): Scenario | undefined {
    if (this.#choose !== undefined) return request.complete ? scenarioOf(this.#choose(request)) : undefined;
    return request.complete || this.#current.on === 'head' ? this.#take() : undefined;
  }

  forConnection(): Scenario | undefined {
    return this.#choose === undefined && this.#current.on === 'accept' ? this.#take() : undefined;
  }

  get #current(): Scenario {
    const scenario = this.#list[Math.min(this.#position, this.#list.length - 1)];
    if (scenario === undefined) throw new Error('The list of scenarios is empty.');
    return scenario;
  }

  #take(): Scenario {
    const scenario = this.#current;
    this.#position += 1;
    return scenario;
  }
}

function listOf(source: ScenarioLike | readonly ScenarioLike[]): readonly Scenario[] {
  const isList =
    Array.isArray(source) &&
    source.length > 0 &&
    source.every((item) => typeof item === 'object' && (Array.isArray(item) || 'steps' in item));
  return isList ? (source as readonly ScenarioLike[]).map(scenarioOf) : [scenarioOf(source as ScenarioLike)];
}

interface Secrets {
  readonly context: SecureContext;
  readonly authority: string;
}

function secretsFor(mode: Exclude<TlsMode, 'handshake-stall'>): Secrets {
  const authority = makeCertificate({ hosts: [] });
  const hosts = mode === 'wrong-name' ? ['wrong.example'] : ['127.0.0.1', 'localhost'];
  const server = makeCertificate({
    hosts,
    ...(mode === 'expired' ? { notAfter: new Date('2021-01-01') } : {}),
    ...(mode === 'untrusted' ? {} : { issuer: authority }),
  });
  return {
    context: createSecureContext({ key: server.key, cert: server.certificate }),
    authority: authority.certificate,
  };
}

function secured(raw: Socket, secureContext: SecureContext): Socket {
  return new TLSSocket(raw, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

async function close(server: Server, connections: readonly FaultConnection[]): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const connection of connections) connection.destroy();
  await Promise.all([closed, ...connections.map((connection) => connection.closed)]);
}
