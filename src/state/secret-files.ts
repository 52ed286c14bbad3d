import type { Clock, Timer } from '../kernel/clock.ts';
import { describeCause } from '../kernel/errors.ts';
import type { Log, Meter } from '../kernel/run.ts';
import type { SecretCell, SecretStore } from '../kernel/secret-store.ts';
import { hashOf } from '../kernel/tokens/hash-of.ts';
import { tokenUnavailable } from '../kernel/tokens/token-failure.ts';
import { inTime } from './in-time.ts';
import { lockFolder, noLocks, ProcessLocks, type LockFolder } from './process-locks.ts';
import { maxValueBytes, secretFolder, type KeptValue, type SecretDisk } from './secret-disk.ts';

const firstRetry = 1_000;
const slowestRetry = 60_000;

export interface SecretFilesOptions {
  /** Made when something is first written or locked; absolute. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** A folder of files when absent. */
  readonly disk?: SecretDisk;
  /** Those of the operating system in this folder when absent; none where there is another disk. */
  readonly locks?: LockFolder;
}

/**
 * The secrets that must outlive the process, one file each, named by the SHA-256 of its key.
 *
 * Processes may share the folder: what another one wrote is seen at the next `read`, a file is always whole, and
 * `exclusive` holds between them too, as far as `ProcessLocks` can have it.
 */
export class SecretFiles implements SecretStore {
  readonly #options: SecretFilesOptions;
  readonly #disk: SecretDisk;
  readonly #locks: ProcessLocks;
  /** As many as definitions name. */
  readonly #cells = new Map<string, FileCell>();

  constructor(options: SecretFilesOptions) {
    this.#options = options;
    const { directory, clock, disk, locks = disk === undefined ? lockFolder(directory) : noLocks } = options;
    this.#disk = disk ?? secretFolder(directory, clock);
    this.#locks = new ProcessLocks({ ...options, locks });
  }

  open(key: string): SecretCell {
    const name = hashOf(key);
    const known = this.#cells.get(name);
    if (known !== undefined) return known;
    const cell = new FileCell(name, this.#disk, this.#locks, this.#options);
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
  readonly #locks: ProcessLocks;
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

  constructor(name: string, disk: SecretDisk, locks: ProcessLocks, { clock, log, meter }: SecretFilesOptions) {
    this.#name = name;
    this.#disk = disk;
    this.#locks = locks;
    this.#clock = clock;
    this.#log = log;
    this.#meter = meter;
  }

  /** TOKEN_UNAVAILABLE where the disk can't be read and memory has nothing: what it holds is newer than any other value. */
  async read(): Promise<string | undefined> {
    if (this.#pending !== undefined) return this.#pending.value;
    const before = this.#kept;
    try {
      const found = await inTime(this.#disk.read(this.#name, before), this.#clock);
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
    await inTime(this.#persist(), this.#clock).catch((error: unknown) => this.#failed(cannotKeep, error));
  }

  exclusive<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(() => this.#locks.hold(this.#name, action));
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }

  async flush(): Promise<void> {
    if (this.#pending !== undefined) await inTime(this.#persist(), this.#clock).catch(() => undefined);
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
}

const cannotKeep = 'a secret can not be kept';
