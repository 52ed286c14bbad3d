import { isInside } from '../definitions/secret-file.ts';
import { WatchedFile } from '../definitions/watched-file.ts';
import { systemClock, type Clock } from '../kernel/clock.ts';

/** Of the file with the key. */
const maxKeyFileBytes = 4_096;
/** What can stand behind `Bearer`; shorter could be guessed. */
const usableKey = /^[\x21-\x7e]{24,512}$/;
const howToMakeOne = 'such as what "openssl rand -hex 24" prints';

/** Where the admin API listens, and who may use it. */
export interface AdminListener {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Gives what reads the key as it is now: a file may be rotated. Undefined while there is no usable one. */
  openKey(clock: Clock): () => string | undefined;
}

/** As it stands in the environment; empty for what is not set. */
export interface AdminSettings {
  readonly host: string;
  readonly port: number;
  readonly key: string;
  /** Absolute, or empty. */
  readonly keyFile: string;
  /** From here definitions may read secrets, and so send them anywhere. */
  readonly readableFolders: readonly string[];
}

/** The listener, or what is wrong, without a word of the key. */
export function readAdminListener(settings: AdminSettings): AdminListener | string {
  const { host, port, key, keyFile } = settings;
  if (key === '' && keyFile === '')
    return `SLUICE_ADMIN_PORT opens the admin API, which needs a key: set SLUICE_ADMIN_KEY to at least 24 characters, ${howToMakeOne}, or SLUICE_ADMIN_KEY_FILE to the path of a file that holds them`;
  if (key !== '' && keyFile !== '') return 'SLUICE_ADMIN_KEY and SLUICE_ADMIN_KEY_FILE are both set; unset one of them';
  if (keyFile !== '') return fromFile(settings);
  if (!usableKey.test(key)) return `SLUICE_ADMIN_KEY ${whatItMustBe}`;
  return Object.freeze({ host, port, openKey: () => () => key });
}

const whatItMustBe = `must be 24 to 512 visible ASCII characters without a blank, ${howToMakeOne}`;

function fromFile({ host, port, keyFile, readableFolders }: AdminSettings): AdminListener | string {
  const open = (clock: Clock): WatchedFile =>
    new WatchedFile(keyFile, {
      maxBytes: maxKeyFileBytes,
      clock,
      admits: (path) => !readableFolders.some((folder) => isInside(path, folder)),
    });
  const file = open(systemClock);
  const trouble = file.look();
  if (trouble?.kind === 'outside')
    return 'SLUICE_ADMIN_KEY_FILE must lie outside of the folders from which definitions may read secrets';
  if (trouble !== undefined) return `SLUICE_ADMIN_KEY_FILE: the file ${trouble.what}`;
  if (!usableKey.test(file.text)) return `SLUICE_ADMIN_KEY_FILE: what the file holds ${whatItMustBe}`;
  return Object.freeze({
    host,
    port,
    openKey: (clock: Clock) => {
      const watched = open(clock);
      return () => {
        watched.lookWhenDue();
        return usableKey.test(watched.text) ? watched.text : undefined;
      };
    },
  });
}
