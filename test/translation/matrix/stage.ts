import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, type Clock } from '../../../src/kernel/clock.ts';
import { startSluice, type Sluice } from '../../support/sluice.ts';
import { eventually, turn } from '../../support/turn.ts';
import type { NeutralClient, NeutralProvider, NeutralRequest, ProviderReply } from '../neutral.ts';
import { cut, type Cut } from './cuts.ts';

/** What a provider answers, and in which pieces. */
export interface Play {
  /** By whether it was asked to stream. */
  reply(streams: boolean): ProviderReply;
  readonly cut?: Cut;
}

/** One request through the whole engine, and what came back. */
export interface Exchange {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** What the provider was sent; undefined where it never was. */
  readonly asked: { readonly path: string; readonly body: string } | undefined;
  /** What Sluice said that it could not tell: in the log, and in `x-sluice-warnings`. */
  readonly lost: readonly string[];
  readonly warnings: readonly string[];
}

/** The engine with one pipeline per provider, and a server for each that plays what it is told. */
export class Stage {
  readonly #sluice: Sluice<Clock>;
  readonly #upstreams: ReadonlyMap<string, Upstream>;
  readonly #agent = new Agent({ keepAlive: true });

  private constructor(sluice: Sluice<Clock>, upstreams: ReadonlyMap<string, Upstream>) {
    this.#sluice = sluice;
    this.#upstreams = upstreams;
  }

  static async open(providers: readonly NeutralProvider[]): Promise<Stage> {
    const upstreams = new Map<string, Upstream>();
    for (const provider of providers) upstreams.set(provider.type, await Upstream.open(provider));
    const pipelines = Object.fromEntries(
      providers.map((provider) => [
        provider.type,
        {
          inbound: { unknownModel: 'route' },
          backends: { only: provider.backend(upstreams.get(provider.type)?.origin ?? '') },
        },
      ]),
    );
    return new Stage(await startSluice({ clock: systemClock, pipelines }), upstreams);
  }

  /** One at a time per provider. */
  async ask(
    client: NeutralClient,
    provider: NeutralProvider,
    request: NeutralRequest,
    stream: boolean,
    play: Play,
  ): Promise<Exchange> {
    const upstream = this.#upstreams.get(provider.type);
    if (upstream === undefined) throw new Error(`no server plays ${provider.type}`);
    upstream.prepare(play);
    const { path, headers, body } = client.request(request, stream);
    const reply = await this.#post(`/pipelines/${provider.type}/${path}`, headers, JSON.stringify(body));
    const lost = await this.#lossesOf(String(reply.headers['x-sluice-run'] ?? ''));
    const warnings = String(reply.headers['x-sluice-warnings'] ?? '');
    return {
      ...reply,
      asked: upstream.asked,
      lost,
      warnings: warnings === '' ? [] : warnings.split(', ').map((warning) => warning.replace(/^lost /, '')),
    };
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.#sluice.close();
    for (const upstream of this.#upstreams.values()) upstream.close();
  }

  #post(
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Promise<Pick<Exchange, 'status' | 'headers' | 'body'>> {
    return new Promise((resolve, reject) => {
      const { port } = this.#sluice;
      const sent = httpRequest(
        { host: '127.0.0.1', port, path, method: 'POST', headers, agent: this.#agent },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () =>
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
          );
          answer.on('error', reject);
        },
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  /** A request that became no run has lost nothing. */
  async #lossesOf(run: string): Promise<readonly string[]> {
    const { lines } = this.#sluice.log;
    const find = () => lines.findLast(({ message, fields }) => message === 'run ended' && fields['run'] === run);
    if (run === '') return [];
    await eventually(() => find() !== undefined, `the record of run ${run}`);
    const lost = find()?.fields['lost'];
    return Array.isArray(lost) ? lost.map(String) : [];
  }
}

/** An HTTP server that plays one provider. */
class Upstream {
  readonly #server: Server;
  readonly #provider: NeutralProvider;
  #play: Play | undefined;
  asked: { readonly path: string; readonly body: string } | undefined;

  private constructor(provider: NeutralProvider) {
    this.#provider = provider;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const asked = { path: request.url ?? '', body: Buffer.concat(chunks).toString('utf8') };
        this.asked = asked;
        void this.#answer(asked, response);
      });
    });
  }

  static async open(provider: NeutralProvider): Promise<Upstream> {
    const upstream = new Upstream(provider);
    await new Promise<void>((resolve) => upstream.#server.listen(0, '127.0.0.1', resolve));
    return upstream;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  prepare(play: Play): void {
    this.#play = play;
    this.asked = undefined;
  }

  async #answer(
    { path, body }: { readonly path: string; readonly body: string },
    response: ServerResponse,
  ): Promise<void> {
    const play = this.#play;
    if (play === undefined) return void response.writeHead(418).end();
    const { status, headers, pieces } = play.reply(this.#provider.isStream(path, body));
    response.socket?.setNoDelay(true);
    response.writeHead(status, headers);
    for (const piece of cut(pieces, play.cut ?? 'whole')) {
      response.write(piece);
      if (play.cut !== undefined) await turn();
    }
    response.end();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
