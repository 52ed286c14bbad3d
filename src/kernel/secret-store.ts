/**
 * Small secrets that must outlive the process because nobody else keeps them, such as a refresh token that was replaced
 * at its use.
 */
export interface SecretStore {
  /** The one cell of this key in the process. `key` names what is kept and may hold anything; it is shown as a hash only. */
  open(key: string): SecretCell;
}

export interface SecretCell {
  /** The newest value: of this process, or of another one that shares the folder. Undefined where none was ever kept. */
  read(): Promise<string | undefined>;
  /**
   * Keeps the value in memory at once and then on disk, whole or not at all. While the disk refuses, the value stays in
   * memory, the failure is logged and counted (`secret_store_failures`), and the writing is tried again. Never rejects.
   */
  write(value: string): Promise<void>;
  /**
   * One at a time for all users of the cell, in other processes that share the folder too; a failure of one does not keep
   * the next. Where the others can't be kept out, such as by a process that is frozen, it goes on after a bounded wait, and
   * that is logged and counted (`secret_lock_failures`): so ask for the newest value within it, and expect that it is used.
   */
  exclusive<T>(action: () => Promise<T>): Promise<T>;
}
