import { Observable, Subject } from 'rxjs';
import { sleep, type Clock, type Timer } from '../kernel/clock.ts';
import type { Diagnostic } from './diagnostic.ts';
import type { DocumentSource } from './read-document.ts';
import { watchFolders, type WatchFolder } from './watch-folders.ts';
import { emptyScan, scanFolder, type FolderScan, type ScannedFile } from './scan-folder.ts';

/** All in milliseconds. */
const debounce = 300;
const settleTime = 100;
const pollInterval = 10_000;
/** A file that is still written to after this many looks keeps its earlier content until the next poll. */
const maxLooks = 20;

/** A file of the folder, decoded. `problem` is set, and the text empty, where it could not be read. */
export interface FolderSource extends DocumentSource {
  readonly text: string;
}

/** Everything that the folder says at one moment. A file without a change keeps its object from snapshot to snapshot. */
export interface Snapshot {
  /** By name. */
  readonly pipelines: ReadonlyMap<string, FolderSource>;
  /** By `kind/name`. */
  readonly resources: ReadonlyMap<string, FolderSource>;
  /** Files that were refused, and whatever else is wrong with the folder. */
  readonly problems: readonly Diagnostic[];
}

export interface PipelineFolderOptions {
  readonly directory: string;
  readonly clock: Clock;
  /** Default: the file system's own notifications. */
  readonly watch?: WatchFolder;
}

/**
 * The pipelines folder as a stream of snapshots. Notifications of the file system are only a reason to look, since
 * some file systems send none: it is also looked at every ten seconds. A file counts when two looks in a row found the
 * same content, so one that is half written is not taken for a definition, and only changed content makes a snapshot.
 * The folder is watched and not its files: after a rename, or a swap of the link that a mounted ConfigMap consists of,
 * the watch on a file is deaf.
 */
export class PipelineFolder {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #watch: WatchFolder;
  readonly #subject = new Subject<Snapshot>();
  readonly #looks = new Subject<void>();
  readonly #closed = new AbortController();
  readonly #sources = new WeakMap<ScannedFile, FolderSource>();
  #accepted: FolderScan = emptyScan;
  #watchProblem: Diagnostic | undefined;
  #reads: Promise<unknown> = Promise.resolve();
  #checkWaits = false;
  #debounceTimer: Timer | undefined;
  #pollTimer: Timer | undefined;
  #watcher: { close(): Promise<void> } | undefined;

  constructor(options: PipelineFolderOptions) {
    this.#directory = options.directory;
    this.#clock = options.clock;
    this.#watch = options.watch ?? watchFolders;
  }

  /** The folder now. What it returns is not sent to the subscribers again. */
  read(): Promise<Snapshot> {
    return this.#serially(async () => {
      let scan = await scanFolder(this.#directory, this.#accepted);
      for (let look = 1; look < maxLooks; look += 1) {
        const again = await scanFolder(this.#directory, this.#accepted);
        if (isSameScan(scan, again)) break;
        scan = again;
      }
      this.#accept(scan);
      return this.#snapshot();
    });
  }

  /** A snapshot for each change from now on. Watching begins with the first subscriber and ends with `close`. */
  snapshots(): Observable<Snapshot> {
    return this.#watched(this.#subject);
  }

  /** Tells of each look at the folder from now on, after its snapshot where there is one: the time to look at what it names. */
  looks(): Observable<void> {
    return this.#watched(this.#looks);
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the folder is closed'));
    this.#debounceTimer?.cancel();
    this.#pollTimer?.cancel();
    await this.#watcher?.close();
    await this.#reads;
    this.#subject.complete();
    this.#looks.complete();
  }

  #watched<T>(subject: Subject<T>): Observable<T> {
    return new Observable((subscriber) => {
      const subscription = subject.subscribe(subscriber);
      this.#start();
      return subscription;
    });
  }

  #start(): void {
    if (this.#watcher !== undefined || this.#closed.signal.aborted) return;
    this.#watcher = this.#watch(
      this.#directory,
      () => this.#changed(),
      (error) => this.#deaf(error),
    );
    this.#pollTimer = this.#clock.every(pollInterval, () => this.#check());
  }

  /** Many notifications in a row are one; should they never end, the poll still looks. */
  #changed(): void {
    this.#debounceTimer?.cancel();
    if (this.#closed.signal.aborted) return;
    this.#debounceTimer = this.#clock.after(debounce, () => this.#check());
  }

  #deaf(error: unknown): void {
    const { code } = Object(error) as { code?: unknown };
    const message = `the folder can not be watched (${String(code)}); it is looked at every ${pollInterval / 1_000} s`;
    this.#watchProblem = {
      code: 'folder.notWatched',
      severity: 'warning',
      message,
      file: this.#directory,
      pointer: '',
      line: 1,
      column: 1,
    };
  }

  #check(): void {
    if (this.#checkWaits || this.#closed.signal.aborted) return;
    this.#checkWaits = true;
    void this.#serially(() => this.#look());
  }

  async #look(): Promise<void> {
    this.#checkWaits = false;
    let scan = await scanFolder(this.#directory, this.#accepted);
    let before = scan;
    for (let look = 0; look < maxLooks && !isSameScan(scan, this.#accepted); look += 1) {
      const isOpen = await sleep(this.#clock, settleTime, this.#closed.signal).then(
        () => true,
        () => false,
      );
      if (!isOpen) return;
      before = scan;
      scan = await scanFolder(this.#directory, this.#accepted);
      if (isSameScan(before, scan)) break;
    }
    const settled = withoutUnsettled(before, scan, this.#accepted);
    const isNews = !isSameContent(settled, this.#accepted);
    this.#accept(settled);
    if (isNews) this.#subject.next(this.#snapshot());
    this.#looks.next();
  }

  /** A file of which only the time stamp changed keeps the object that subscribers know. */
  #accept(scan: FolderScan): void {
    const carryOver = (known: Files, files: Files): void => {
      for (const [key, file] of files) {
        const before = known.get(key);
        if (before !== undefined && before !== file && hasSameContent(before, file))
          this.#sources.set(file, this.#source(before));
      }
    };
    carryOver(this.#accepted.pipelines, scan.pipelines);
    carryOver(this.#accepted.resources, scan.resources);
    this.#accepted = scan;
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#reads.then(work);
    this.#reads = result.catch(() => undefined);
    return result;
  }

  #snapshot(): Snapshot {
    const { pipelines, resources, problems } = this.#accepted;
    const sources = (files: ReadonlyMap<string, ScannedFile>): Map<string, FolderSource> =>
      new Map([...files].map(([key, file]) => [key, this.#source(file)]));
    const snapshot = { pipelines: sources(pipelines), resources: sources(resources) };
    const refused = [...snapshot.pipelines.values(), ...snapshot.resources.values()].flatMap(
      ({ problem }) => problem ?? [],
    );
    return {
      ...snapshot,
      problems: [...problems, ...refused, ...(this.#watchProblem === undefined ? [] : [this.#watchProblem])],
    };
  }

  #source(scanned: ScannedFile): FolderSource {
    const known = this.#sources.get(scanned);
    if (known !== undefined) return known;
    const { file, text = '', refused } = scanned;
    const source = {
      file,
      text,
      ...(refused && { problem: { ...refused, severity: 'error' as const, file, pointer: '', line: 1, column: 1 } }),
    };
    this.#sources.set(scanned, source);
    return source;
  }
}

type Files = ReadonlyMap<string, ScannedFile>;

function isSameScan(one: FolderScan, other: FolderScan): boolean {
  return haveSame(one, other, isSameFile);
}

function isSameFile(one: ScannedFile, other: ScannedFile): boolean {
  return one.stamp === other.stamp && hasSameContent(one, other);
}

function isSameContent(one: FolderScan, other: FolderScan): boolean {
  return haveSame(one, other, hasSameContent);
}

function haveSame(
  one: FolderScan,
  other: FolderScan,
  isSame: (mine: ScannedFile, theirs: ScannedFile) => boolean,
): boolean {
  const same = (mine: Files, theirs: Files): boolean =>
    mine.size === theirs.size &&
    [...mine].every(([key, file]) => {
      const their = theirs.get(key);
      return their !== undefined && isSame(file, their);
    });
  return (
    same(one.pipelines, other.pipelines) &&
    same(one.resources, other.resources) &&
    JSON.stringify(one.problems) === JSON.stringify(other.problems)
  );
}

function hasSameContent(one: ScannedFile, other: ScannedFile): boolean {
  return one.file === other.file && one.text === other.text && one.refused?.message === other.refused?.message;
}

/** Of a file that changed between the last two looks the accepted content stays. */
function withoutUnsettled(before: FolderScan, last: FolderScan, accepted: FolderScan): FolderScan {
  return {
    pipelines: settledFiles(before.pipelines, last.pipelines, accepted.pipelines),
    resources: settledFiles(before.resources, last.resources, accepted.resources),
    problems: last.problems,
  };
}

function settledFiles(earlier: Files, later: Files, known: Files): Files {
  const keys = new Set([...earlier.keys(), ...later.keys()]);
  const kept = [...keys].flatMap((key): [string, ScannedFile][] => {
    const [one, other] = [earlier.get(key), later.get(key)];
    const isSettled = one?.stamp === other?.stamp && one?.text === other?.text;
    const file = isSettled ? other : known.get(key);
    return file === undefined ? [] : [[key, file]];
  });
  return new Map(kept);
}
