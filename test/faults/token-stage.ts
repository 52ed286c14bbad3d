import { afterEach } from '@jest/globals';
import type { RequestRecord } from '../support/fault-connection.ts';
import { answerBody, answerFrames, errorBody } from '../support/openai-stream.ts';
import { answering, streaming, type ScenarioLike, type Step } from '../support/scenario.ts';
import { startTokenServer, type TokenServer, type TokenServerAnswer } from '../support/token-server.ts';
import { closeStages, openStage, type Stage, type StageOptions } from './stage.ts';

/** A secret of the operator that every token stage has. */
export const clientSecret = 'p7VtYx2Wc9Rk4Zn8Bq5Hd3Jf6Lg1Sm0a';
export const usualLifetimeSeconds = 3_600;

export interface TokenStageOptions extends Omit<StageOptions, 'token' | 'upstream'> {
  /** Called "login". Made of the address of the token server; a cached token of the stage's own client when absent. */
  readonly token?: (tokenUrl: string) => object;
  /** Further ones, by name. */
  readonly tokenProviders?: Readonly<Record<string, object>>;
  /** Where the engine asks for tokens, in place of the server of the stage. */
  readonly tokenUrl?: string;
  /** What the provider of the model does with a request; when absent it answers "Hello" to those with a good token. */
  readonly provider?: (request: RequestRecord, isGood: boolean) => ScenarioLike;
}

/** A stage whose credential comes from a token server that does as it is told. */
export interface TokenStage extends Stage {
  readonly tokens: TokenServer;
  /** What a good token server answers: a new token, which the provider takes until it ends. */
  grant(lifetimeSeconds?: number): TokenServerAnswer;
  /** The provider of the model takes no token any more that was issued so far. */
  revoke(): void;
}

const servers: TokenServer[] = [];

/** For each spec that opens token stages: closes them with all checks. */
export function useTokenStages(): void {
  afterEach(async () => {
    try {
      await closeStages();
    } finally {
      for (const server of servers.splice(0)) await server.close();
    }
  });
}

/** Client credentials without a cache. */
export const clientCredentials = (tokenUrl: string, config: object = {}): object => ({
  type: 'oauth2-client-credentials',
  config: { tokenUrl, network: 'private', clientId: 'sluice', clientSecret: { $env: 'STAGE_SECRET' }, ...config },
});

export const cached = (provider: unknown, config: object = {}): object => ({
  type: 'cache',
  config: { provider, ...config },
});

export async function openTokenStage(options: TokenStageOptions = {}): Promise<TokenStage> {
  const { token = (url: string) => cached(clientCredentials(url)), provider = takeGood, ...more } = options;
  const tokens = await startTokenServer();
  servers.push(tokens);
  const ends = new Map<string, number>();
  const stage: Stage = await openStage({
    ...more,
    token: 'login',
    definition: {
      ...options.definition,
      tokenProviders: { login: token(options.tokenUrl ?? tokens.url), ...options.tokenProviders },
    },
    environment: { STAGE_SECRET: clientSecret, ...options.environment },
    canaries: [clientSecret, ...(options.canaries ?? [])],
    upstream: (request) => {
      const end = ends.get(String(request.headers['authorization']));
      return provider(request, end !== undefined && stage.clock.now() < end);
    },
  });
  let issued = 0;
  const grant = (lifetimeSeconds = usualLifetimeSeconds): TokenServerAnswer => {
    issued += 1;
    ends.set(`Bearer token-${issued}`, stage.clock.now() + lifetimeSeconds * 1_000);
    return { json: { access_token: `token-${issued}`, token_type: 'Bearer', expires_in: lifetimeSeconds } };
  };
  tokens.answer(() => grant());
  return Object.assign(stage, { tokens, grant, revoke: () => ends.clear() });
}

/** "Hello", in the form that is asked for. */
export function hello(request: RequestRecord): readonly Step[] {
  const { stream } = JSON.parse(request.bodyText) as { readonly stream?: boolean };
  return stream === true
    ? streaming(answerFrames({ text: ['Hello'] }))
    : answering(200, answerBody({ text: ['Hello'] }));
}

export function takeGood(request: RequestRecord, isGood: boolean): readonly Step[] {
  return isGood ? hello(request) : answering(401, errorBody({ message: 'the token is not valid' }));
}
