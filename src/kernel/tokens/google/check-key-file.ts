import type { Secret } from '../../schema.ts';
import { checkSigning } from '../oauth/sign-jwt.ts';
import { keyHint } from '../oauth/check-keys.ts';
import { readPrivateKey } from '../oauth/private-key.ts';
import { revealed } from '../revealed.ts';
import { checkUse } from '../unusable-secret.ts';
import { googleUrl, textField, type GoogleAccess } from './google-access.ts';
import { readGoogleCredentials } from './google-credentials.ts';
import { usualTokenUrl } from './service-account.ts';

const hints: Readonly<Record<string, string>> = {
  'the Google credentials are no JSON object': 'give the whole key file that Google Cloud wrote, which begins with "{"',
  'the Google credentials are of another type': 'a key file of a service account has "type": "service_account"',
};

/** Throws an UnusableSecret for a key file in `field` that no token could be had with, as it is now. */
export function checkKeyFile(field: string, secret: Secret, network: GoogleAccess['network']): void {
  const use = (): void => {
    const file = readGoogleCredentials(revealed(secret), 'service_account');
    googleUrl(file['token_uri'], usualTokenUrl, network);
    textField(file, 'client_email');
    checkSigning(readPrivateKey(textField(file, 'private_key')), 'RS256');
  };
  checkUse(field, secret, use, (reason) => hints[reason] ?? keyHint(reason));
}
