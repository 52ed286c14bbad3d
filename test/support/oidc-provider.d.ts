/** The part of `oidc-provider` that the tests use; the package has no types of its own. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export interface Client {
    readonly clientId: string;
  }

  export interface TokenContext {
    readonly req: IncomingMessage;
    body: unknown;
    readonly oidc: {
      readonly client: Client;
      readonly params: Readonly<Record<string, string | undefined>>;
      readonly body: Readonly<Record<string, string | undefined>>;
    };
  }

  export interface IssuedModel {
    readonly clientId?: string;
    readonly scope?: string;
    readonly aud?: string;
    readonly extra?: Readonly<Record<string, unknown>>;
    readonly expiration: number;
    readonly accountId?: string;
    readonly consumed?: unknown;
    save(): Promise<string>;
  }

  export interface GrantModel {
    addOIDCScope(scope: string): void;
    save(): Promise<string>;
  }

  interface ModelClass {
    new (properties: Record<string, unknown>): IssuedModel;
    find(value: string, options?: { ignoreExpiration?: boolean }): Promise<IssuedModel | undefined>;
  }

  export class Provider {
    constructor(issuer: string, configuration: Record<string, unknown>);
    readonly Client: { find(id: string): Promise<Client | undefined> };
    readonly ClientCredentials: ModelClass;
    readonly AccessToken: ModelClass;
    readonly RefreshToken: ModelClass;
    readonly Grant: new (properties: Record<string, unknown>) => GrantModel;
    callback(): (request: IncomingMessage, response: ServerResponse) => void;
    on(event: 'grant.success', listener: (context: TokenContext) => void): this;
    on(event: 'grant.error', listener: (context: TokenContext, error: Error) => void): this;
    on(event: 'server_error', listener: (context: TokenContext, error: Error) => void): this;
    registerGrantType(
      name: string,
      handler: (context: TokenContext) => Promise<void>,
      parameters: readonly string[],
      repeatable?: readonly string[],
    ): void;
  }

  export const errors: {
    readonly InvalidGrant: new (detail: string) => Error;
    readonly InvalidRequest: new (detail: string) => Error;
    readonly InvalidTarget: new (detail?: string) => Error;
  };
}
