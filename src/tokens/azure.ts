import Type from 'typebox';
import { parseDuration } from '../kernel/clock.ts';
import { defineTokenProvider } from '../kernel/component.ts';
import { defaulted, Duration, strictObject } from '../kernel/schema.ts';
import { checkCredentials, credentialsField } from '../kernel/tokens/azure/azure-credentials.ts';
import { azureSource } from '../kernel/tokens/azure/azure-source.ts';
import { checkAuthority } from '../kernel/tokens/azure/entra-application.ts';
import { checkAddress } from '../kernel/tokens/check-address.ts';
import { bearer, tokenCredential } from '../kernel/tokens/token-credential.ts';
import type { TokenProvider } from '../kernel/tokens/token-provider.ts';

const config = strictObject({
  credentials: defaulted(credentialsField, { from: 'default' }),
  scope: defaulted(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,1024}$',
      'x-hint': 'the address of a service and "/.default"',
      description: 'Whom the token is for. A managed identity asks for it without "/.default".',
    }),
    'https://cognitiveservices.azure.com/.default',
  ),
  authorityHost: Type.Optional(
    Type.String({
      pattern: '^https?://[^/]+/?$',
      maxLength: 512,
      'x-hint': 'a host, such as "https://login.microsoftonline.us"',
      description:
        'Where Entra ID is asked, for clouds of their own. A workload identity reads AZURE_AUTHORITY_HOST when it is left ' +
        'out; otherwise it is https://login.microsoftonline.com.',
    }),
  ),
  metadataUrl: Type.Optional(
    Type.String({
      pattern: '^https?://[^/]+/?$',
      maxLength: 512,
      'x-hint': 'a host, such as "http://127.0.0.1:4000"',
      description:
        'Where a managed identity is asked for, in place of what the platform names; with "network": "private" only.',
    }),
  ),
  network: defaulted(
    Type.Enum(['public', 'private'], {
      description: 'Where authorityHost and metadataUrl may be; "private" admits addresses of the own network.',
    }),
    'public',
  ),
  timeout: defaulted({ ...Duration, description: 'For the whole answer of whoever gives the token.' }, '5s'),
});

/**
 * Tokens of Microsoft Entra ID. Each one is asked for anew, so it belongs under a `cache`. What Azure tells its machines in
 * the environment is read at each use. Machines connected by Azure Arc are not served.
 */
export const azureTokenProvider = defineTokenProvider({
  type: 'azure',
  summary: 'Gets tokens of Microsoft Entra ID for an application, a workload or a managed identity.',
  config,
  needs: ['clock', 'http', 'workload'],
  fetching: () => 'asks',
  examples: [
    { title: 'Whatever identity the platform gives', config: {} },
    {
      title: 'An application with a secret',
      config: {
        credentials: {
          from: 'client-credentials',
          tenantId: 'contoso.onmicrosoft.com',
          clientId: '6731de76-14a6-49ae-97bc-6eba6914391e',
          clientSecret: { $env: 'AZURE_CLIENT_SECRET' },
        },
      },
    },
    {
      title: 'An application with a certificate',
      config: {
        credentials: {
          from: 'client-credentials',
          tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47',
          clientId: '6731de76-14a6-49ae-97bc-6eba6914391e',
          certificate: { $file: '/run/secrets/azure-certificate.pem' },
          privateKey: { $file: '/run/secrets/azure-key.pem' },
        },
        authorityHost: 'https://login.microsoftonline.us',
        scope: 'https://cognitiveservices.azure.us/.default',
      },
    },
    {
      title: 'A user-assigned managed identity',
      config: { credentials: { from: 'managed-identity', clientId: '6731de76-14a6-49ae-97bc-6eba6914391e' } },
    },
    {
      title: 'A pod with workload identity',
      config: { credentials: { from: 'workload-identity' } },
    },
  ],
  create({ credentials, scope, authorityHost, metadataUrl, network, timeout }, capabilities): TokenProvider {
    const host = {
      network,
      timeoutMilliseconds: parseDuration(timeout),
      ...(authorityHost !== undefined && { authorityHost }),
    };
    checkCredentials(credentials);
    checkAuthority(host);
    if (metadataUrl !== undefined) {
      checkAddress('metadataUrl', metadataUrl, network);
      if (network !== 'private') throw new TypeError('metadataUrl: it needs "network": "private"');
    }
    const ask = azureSource(
      { ...host, credentials, scope, ...(metadataUrl !== undefined && { metadataUrl }) },
      capabilities,
    );
    return {
      async getToken({ signal }) {
        const { token, expiresAt } = await ask(signal);
        return tokenCredential(token, bearer, expiresAt);
      },
      // The next token is asked for anew in any case.
      invalidate: () => undefined,
    };
  },
});
