import type { TokenServerAnswer, TokenServerRequest } from './token-server.ts';
import { wireMistakeOf } from './aws-machine.ts';

/** Keys that a service gives. */
export interface GivenKeys {
  readonly id: string;
  readonly secret: string;
  readonly token: string;
  readonly expiration?: string;
}

export const roleGiven: GivenKeys = {
  id: 'ASIAROLEEXAMPLE',
  secret: 'roleSecret/EXAMPLE+KEY',
  token: 'FwoRole/token+1==',
  expiration: '2015-08-30T13:36:00Z',
};

/** The answer of the Security Token Service, in the form that it has. */
export function stsDocument(action: string, { id, secret, token, expiration }: GivenKeys): string {
  const date = expiration === undefined ? '' : `<Expiration>${expiration}</Expiration>`;
  return `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <${action}Result>
    <AssumedRoleUser>
      <AssumedRoleId>AROAEXAMPLE:sluice</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/models/sluice</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>${id}</AccessKeyId>
      <SecretAccessKey>${secret}</SecretAccessKey>
      <SessionToken>${token}</SessionToken>
      ${date}
    </Credentials>
  </${action}Result>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</${action}Response>
`;
}

export function stsRefusal(code: string, message: string): string {
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>
  <RequestId>1</RequestId>
</ErrorResponse>`;
}

/** Gives keys to whoever signs with these, and says what is wrong to anybody else. */
export function checkingSts(secret?: string, given: GivenKeys = roleGiven) {
  return (request: TokenServerRequest): TokenServerAnswer => {
    const mistake = wireMistakeOf(request, secret);
    if (mistake !== '') return { status: 403, body: stsRefusal('SignatureDoesNotMatch', mistake) };
    return { body: stsDocument('AssumeRole', given) };
  };
}

const metadataSession = 'AQAEsession==';
export const instanceRole = 'models-role';

/** The metadata service of an instance, version 2: nothing without a session that was opened before. */
export function metadataService(keys: Record<string, unknown>, region?: string) {
  return ({ method, path, headers }: TokenServerRequest): TokenServerAnswer => {
    if (path === '/latest/api/token') {
      const seconds = Number(headers['x-aws-ec2-metadata-token-ttl-seconds']);
      if (method !== 'PUT') return { status: 405 };
      return seconds >= 1 && seconds <= 21_600 ? { body: metadataSession } : { status: 400 };
    }
    if (method !== 'GET' || headers['x-aws-ec2-metadata-token'] !== metadataSession) return { status: 401 };
    const roles = '/latest/meta-data/iam/security-credentials/';
    if (path === roles) return { body: instanceRole };
    if (path === '/latest/meta-data/placement/region' && region !== undefined) return { body: region };
    return path === roles + instanceRole ? { json: keys } : { status: 404 };
  };
}
