import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { validate } from '../../src/cli/validate.ts';
import { productRegistry } from '../support/sluice.ts';
import { TestClock } from '../support/test-clock.ts';

const word = 'qumbel_zarvo_thinepox';
const ownKey = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey;
const byKey = { clientId: 'a', authentication: 'private_key_jwt', privateKey: { $file: './key.pem' } };
const tokenUrl = 'https://a.test/token';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-validate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function validated(token: object): Promise<string> {
  const target = { baseUrl: 'https://a.test', model: 'm' };
  const definition = {
    apiVersion: 'sluice/v1',
    name: 'a',
    backends: { one: { type: 'openai-chat', config: target, token } },
  };
  writeFileSync(join(folder, 'a.json'), JSON.stringify(definition, undefined, 2));
  const [output, errors] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })];
  let text = '';
  output.on('data', (piece: string) => (text += piece));
  const clock = new TestClock();
  const environment = { SLUICE_PIPELINES_DIR: folder };
  const options = { output, errors, workingDirectory: folder, clock, registry: await productRegistry() };
  await validate({ arguments: [], environment, ...options });
  await new Promise(setImmediate);
  return text;
}

describe('a key that can not be used', () => {
  it.each([
    [
      'of a client',
      word,
      { type: 'oauth2-client-credentials', config: { tokenUrl, ...byKey } },
      'a.json:17:25  error  secret.unusable  privateKey: file ./key.pem: the private key is not in PEM; a key in PEM begins',
    ],
    [
      'of a client within',
      JSON.stringify({ private_key: word }),
      { type: 'jwt-bearer', config: { tokenUrl, issuer: 'a', privateKey: { $file: './own.pem' }, client: byKey } },
      'error  secret.unusable  client.privateKey: file ./key.pem: the private key is not in PEM; this is JSON',
    ],
    [
      'of an app',
      ownKey,
      { type: 'github-app', config: { appId: 1, installationId: 2, privateKey: { $file: './key.pem' } } },
      'error  secret.unusable  privateKey: file ./key.pem: the private key does not fit the algorithm; RS and PS take',
    ],
    [
      'in a key file',
      JSON.stringify({ type: 'service_account', client_email: 'a', private_key: word }),
      { type: 'google', config: { credentials: { from: 'service-account', key: { $file: './key.pem' } } } },
      'error  secret.unusable  credentials.key: file ./key.pem: the private key is not in PEM; ',
    ],
    [
      'for TLS',
      word,
      {
        type: 'oauth2-client-credentials',
        config: { tokenUrl, ...byKey, authentication: 'tls', certificate: { $file: './own.pem' } },
      },
      'error  secret.unusable  privateKey: file ./key.pem: the private key is not in PEM; ',
    ],
  ])('is found where it stands: %s', async (_what, text, token, shown) => {
    writeFileSync(join(folder, 'key.pem'), text);
    writeFileSync(join(folder, 'own.pem'), ownKey);
    const told = await validated(token);
    expect(told).toContain(shown);
    expect(told).not.toContain(word);
  });

  it('is none where it can', async () => {
    writeFileSync(join(folder, 'key.pem'), ownKey);
    expect(await validated({ type: 'oauth2-client-credentials', config: { tokenUrl, ...byKey } })).not.toContain(
      'error ',
    );
  });
});
