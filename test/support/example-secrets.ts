import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** The folder that examples name. */
const shownFolder = '/run/secrets';

export interface ExampleSecrets {
  /** All variables that the texts name, each with a value of its own. */
  readonly variables: Readonly<Record<string, string>>;
  /** Holds all files that the texts name. */
  readonly folder: string;
  /** A text with the files where they are here. */
  place(text: string): string;
  remove(): void;
}

/** Makes up every secret that examples name; the value of one is `value of NAME` with dashes, or a key where one is needed. */
export function exampleSecrets(texts: readonly string[]): ExampleSecrets {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-secrets-'));
  const named = (kind: 'env' | 'file'): string[] =>
    texts.flatMap((text) =>
      [...text.matchAll(new RegExp(`"\\$${kind}": *"([^"]+)"`, 'g'))].map(({ 1: name = '' }) => name),
    );
  for (const path of named('file')) writeFileSync(join(folder, basename(path)), secretIn(basename(path)));
  return {
    variables: Object.fromEntries(named('env').map((name) => [name, `value-of-${name}`])),
    folder,
    place: (text) => text.replaceAll(`"${shownFolder}/`, `"${folder}/`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function secretIn(file: string): string {
  if (file.endsWith('.pem')) return privateKey('pkcs1');
  if (!file.endsWith('.json')) return `value-of-${file}\n`;
  return JSON.stringify({
    type: 'service_account',
    project_id: 'example-project',
    private_key_id: 'key-1',
    private_key: privateKey('pkcs8'),
    client_email: 'models@example-project.iam.gserviceaccount.com',
    token_uri: 'https://oauth2.googleapis.com/token',
  });
}

function privateKey(type: 'pkcs1' | 'pkcs8'): string {
  const { privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  return key.export({ type, format: 'pem' });
}
