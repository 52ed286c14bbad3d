import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { isIPv4 } from 'node:net';

export interface CertificatePlan {
  /** Host names and IPv4 addresses it is good for; none for an authority. */
  readonly hosts: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Signed by itself when absent. */
  readonly issuer?: TestCertificate;
  /** P-256 when absent. */
  readonly kind?: 'rsa';
}

export interface TestCertificate {
  readonly subject: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  readonly privateKey: KeyObject;
}

/*
 * Node can sign but not write certificates, so the few DER structures of RFC 5280 are written here. Made fresh in each
 * test run: no private key is committed and none expires unasked.
 */

const tag = {
  boolean: 1,
  integer: 2,
  bits: 3,
  octets: 4,
  null: 5,
  oid: 6,
  utf8: 12,
  generalizedTime: 24,
  sequence: 48,
  set: 49,
} as const;
const objectId = {
  ecdsaWithSha256: [1, 2, 840, 10045, 4, 3, 2],
  sha256WithRsa: [1, 2, 840, 113549, 1, 1, 11],
  commonName: [2, 5, 4, 3],
  basicConstraints: [2, 5, 29, 19],
  subjectAltName: [2, 5, 29, 17],
} as const;

/** A certificate for a new key. Valid from 2020 to 2120 where the plan says nothing else. */
export function makeCertificate(plan: CertificatePlan): TestCertificate {
  const subject = `sluice test ${randomBytes(6).toString('hex')}`;
  const { privateKey, publicKey } =
    plan.kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2_048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = plan.issuer?.privateKey ?? privateKey;
  const algorithm =
    signer.asymmetricKeyType === 'rsa'
      ? sequence(identifier(objectId.sha256WithRsa), element(tag.null))
      : sequence(identifier(objectId.ecdsaWithSha256));
  const validity = sequence(
    time(plan.notBefore ?? new Date('2020-01-01')),
    time(plan.notAfter ?? new Date('2120-01-01')),
  );
  const toBeSigned = sequence(
    element(0xa0, integer(Buffer.of(2))),
    integer(Buffer.concat([Buffer.of(1), randomBytes(8)])),
    algorithm,
    name(plan.issuer?.subject ?? subject),
    validity,
    name(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    element(0xa3, sequence(...extensions(plan))),
  );
  const signature = sign('sha256', toBeSigned, signer);
  const whole = sequence(toBeSigned, algorithm, element(tag.bits, Buffer.of(0), signature));
  return { subject, privateKey, key: privateKey.export({ type: 'pkcs8', format: 'pem' }), certificate: pem(whole) };
}

function extensions({ hosts }: CertificatePlan): Buffer[] {
  if (hosts.length === 0)
    return [extension(objectId.basicConstraints, sequence(element(tag.boolean, Buffer.of(0xff))))];
  const names = hosts.map((host) =>
    isIPv4(host) ? element(0x87, Buffer.from(host.split('.').map(Number))) : element(0x82, Buffer.from(host)),
  );
  return [extension(objectId.basicConstraints, sequence()), extension(objectId.subjectAltName, sequence(...names))];
}

function extension(id: readonly number[], value: Buffer): Buffer {
  return sequence(identifier(id), element(tag.octets, value));
}

function name(commonName: string): Buffer {
  return sequence(
    element(tag.set, sequence(identifier(objectId.commonName), element(tag.utf8, Buffer.from(commonName)))),
  );
}

function time(date: Date): Buffer {
  const text = date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '');
  return element(tag.generalizedTime, Buffer.from(text));
}

function integer(value: Buffer): Buffer {
  return element(tag.integer, value);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(tag.sequence, ...parts);
}

function identifier([first = 0, second = 0, ...rest]: readonly number[]): Buffer {
  return element(tag.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

/** Seven bits to a byte, all but the last with the high bit set. */
function base128(value: number): readonly number[] {
  const bytes = [value & 0x7f];
  for (let high = value >>> 7; high > 0; high >>>= 7) bytes.unshift((high & 0x7f) | 0x80);
  return bytes;
}

function element(type: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = content.length;
  const head =
    length < 0x80 ? [type, length] : length < 0x100 ? [type, 0x81, length] : [type, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), content]);
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
