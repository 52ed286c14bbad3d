import type { Clock, Timer } from '../kernel/clock.ts';
import { describeCause } from '../kernel/errors.ts';
import type { Log, Meter } from '../kernel/run.ts';
import type { SecretCell, SecretStore } from '../kernel/secret-store.ts';
import { hashOf } from '../kernel/tokens/hash-of.ts';
import { tokenUnavailable } from '../kernel/tokens/token-failure.ts';
import { maxValueBytes, secretFolder, type KeptValue, type SecretDisk } from './secret-disk.ts';

/** A disk that takes longer is not waited for, in milliseconds; what it was asked for goes on. */
const longestWait = 2_000;
const firstRetry = 1_000;
const slowestRetry = 60_000;

export interface SecretFilesOptions {
  /** Made when something is first written; absolute. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** A folder of files when absent. */
  readonly disk?: SecretDisk;
}

/**
 * The secrets that must outlive the process, one file each, named by the SHA-256 of its key.
 *
 * Processes may share the folder: what another one wrote is seen at the next `read`, and a file is always whole. There is
 * no lock between them, so `exclusive` holds within this process only.
 */
export class SecretFiles implements SecretStore {
  readonly #options: SecretFilesOptions;
  readonly #disk: SecretDisk;
  /** As many as definitions name. */
  readonly #cells = new Map<string, FileCell>();

  constructor(options: SecretFilesOptions) {
    this.#options = options;
    this.#disk = options.disk ?? secretFolder(options.directory, options.clock);
  }

  open(key: string): SecretCell {
    const name = hashOf(key);
    const known = this.#cells.get(name);
    if (known !== undefined) return known;
    const cell = new FileCell(name, this.#disk, this.#options);
    this.#cells.set(name, cell);
    return cell;
  }

  /** Tries once more to write what is not written yet. Resolves after two seconds at the latest. */
  async flush(): Promise<void> {
    await Promise.all([...this.#cells.values()].map((cell) => cell.flush()));
  }

  /** A last `flush`; after it nothing is tried again. */
  async close(): Promise<void> {
    await Promise.all([...this.#cells.values()].map((cell) => cell.close()));
  }
}

/** One value: on disk, or in memory and on its way there. */
class FileCell implements SecretCell {
  readonly #name: string;
  readonly #disk: SecretDisk;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #meter: Meter;
  #kept: KeptValue | undefined;
  /** Newer than what is on disk. */
  #pending: { readonly value: string } | undefined;
  /** Never rejects. */
  #writing: Promise<void> = Promise.resolve();
  #retry: Timer | undefined;
  #delay = firstRetry;
  #lastTurn: Promise<unknown> = Promise.resolve();
  #isFailing = false;
  #isClosed = false;

  constructor(name: string, disk: SecretDisk, { clock, log, meter }: SecretFilesOptions) {
    this.#name = name;
    this.#disk = disk;
    this.#clock = clock;
    this.#log = log;
    this.#meter = meter;
  }

  /** TOKEN_UNAVAILABLE where the disk can't be read and memory has nothing: what it holds is newer than any other value. */
  async read(): Promise<string | undefined> {
    if (this.#pending !== undefined) return this.#pending.value;
    const before = this.#kept;
    try {
      const found = await this.#bounded(this.#disk.read(this.#name, before));
      // A file that was removed while the process runs is no newer value. One that was written meanwhile is.
      if (found !== undefined && this.#pending === undefined && this.#kept === before) this.#kept = found;
      this.#succeeded();
    } catch (error) {
      this.#failed('a kept secret can not be read', error);
      if (this.#newest() === undefined)
        throw tokenUnavailable('the kept secret can not be read', { context: { cell: this.#name } });
    }
    return this.#newest();
  }

  async write(value: string): Promise<void> {
    if (Buffer.byteLength(value) > maxValueBytes) {
      // It serves this process, and no try would ever bring it to the disk.
      this.#kept = { value, stamp: this.#kept?.stamp ?? '' };
      this.#pending = undefined;
      this.#meter.count('secret_store_failures');
      this.#log.error(cannotKeep, { cell: this.#name, reason: `it has more than ${maxValueBytes} bytes` });
      return;
    }
    this.#pending = { value };
    await this.#bounded(this.#persist()).catch((error: unknown) => this.#failed(cannotKeep, error));
  }

  exclusive<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(action);
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }

  async flush(): Promise<void> {
    if (this.#pending !== undefined) await this.#bounded(this.#persist()).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
    this.#retry?.cancel();
    if (this.#pending !== undefined) this.#log.error('a secret is lost with the process', { cell: this.#name });
  }

  #newest(): string | undefined {
    return this.#pending?.value ?? this.#kept?.value;
  }

  /** Writes the newest value behind what is being written; after a failure it is tried again later. Never rejects. */
  #persist(): Promise<void> {
    this.#retry?.cancel();
    this.#writing = this.#writing.then(() => this.#writePending());
    return this.#writing;
  }

  async #writePending(): Promise<void> {
    const next = this.#pending;
    if (next === undefined) return;
    try {
      const kept = await this.#disk.write(this.#name, next.value);
      if (this.#pending !== undefined) this.#kept = kept;
      if (this.#pending === next) this.#pending = undefined;
      this.#delay = firstRetry;
      this.#succeeded();
    } catch (error) {
      this.#failed(cannotKeep, error);
      this.#tryLater();
    }
  }

  #tryLater(): void {
    this.#retry?.cancel();
    if (this.#isClosed) return;
    this.#retry = this.#clock.after(this.#delay, () => void this.#persist());
    this.#delay = Math.min(this.#delay * 2, slowestRetry);
  }

  /** Once per change, not once per try. */
  #failed(message: string, reason: unknown): void {
    this.#meter.count('secret_store_failures');
    if (this.#isFailing) return;
    this.#isFailing = true;
    this.#log.error(message, { cell: this.#name, reason: describeCause(reason) });
  }

  #succeeded(): void {
    if (!this.#isFailing || this.#pending !== undefined) return;
    this.#isFailing = false;
    this.#log.info('secrets are kept again', { cell: this.#name });
  }

  #bounded<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(longestWait, () => reject(new Error(`no answer within ${longestWait} ms`)));
      work.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}

const cannotKeep = 'a secret can not be kept';
