import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';

type HashInput = string | ArrayBuffer | ArrayBufferView;

/** SHA-256, or HMAC with it where there is a key, in the form in which a signer makes its hashes. */
export class Sha256 {
  readonly #key: HashInput | undefined;
  #hash: Hash | Hmac;

  constructor(key?: HashInput) {
    this.#key = key;
    this.#hash = createHasher(key);
  }

  update(data: HashInput): void {
    this.#hash.update(asBytes(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    this.#hash = createHasher(this.#key);
  }
}

function createHasher(key: HashInput | undefined): Hash | Hmac {
  return key === undefined ? createHash('sha256') : createHmac('sha256', asBytes(key));
}

function asBytes(data: HashInput): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
