import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { makeCertificate } from './test-certificate.ts';

const read = (pem: string): X509Certificate => new X509Certificate(pem);

describe('makeCertificate', () => {
  it('makes an authority, and a certificate that it signed', () => {
    const authority = makeCertificate({ hosts: [] });
    const server = makeCertificate({ hosts: ['localhost', '127.0.0.1'], issuer: authority });
    const [top, leaf] = [read(authority.certificate), read(server.certificate)];
    expect([top.ca, leaf.ca]).toEqual([true, false]);
    expect(leaf.checkIssued(top)).toBe(true);
    expect(leaf.verify(top.publicKey)).toBe(true);
    expect(leaf.checkPrivateKey(server.privateKey)).toBe(true);
    expect(leaf.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
    expect([leaf.checkHost('localhost'), leaf.checkIP('127.0.0.1'), leaf.checkHost('wrong.example')]).toEqual([
      'localhost',
      '127.0.0.1',
      undefined,
    ]);
  });

  it('is valid in the time that it is told', () => {
    const { certificate } = makeCertificate({
      hosts: ['a.example'],
      notBefore: new Date('2019-03-01T10:20:30Z'),
      notAfter: new Date('2021-01-01'),
    });
    expect([read(certificate).validFrom, read(certificate).validTo]).toEqual([
      'Mar  1 10:20:30 2019 GMT',
      'Jan  1 00:00:00 2021 GMT',
    ]);
  });

  it('writes names of every length', () => {
    for (const length of [1, 40, 60]) {
      const hosts = Array.from({ length }, (_none, index) => `host-${index}.example`);
      expect(read(makeCertificate({ hosts }).certificate).subjectAltName?.split(', ').length).toBe(length);
    }
  });
});
