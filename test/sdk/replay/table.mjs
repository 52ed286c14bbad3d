import { asksPerRecording, clients } from './replay.mjs';

/** Counts what passed, by folder and backend, in the order of the recordings. */
export class ReplayTable {
  #rows = new Map();

  constructor(recordings) {
    for (const recording of recordings) {
      const row = this.#row(recording);
      row.all += 1;
      row.left += asksPerRecording;
    }
  }

  get rows() {
    return [...this.#rows.values()];
  }

  count({ recording, client, chain }, passed) {
    const row = this.#row(recording);
    row.left -= 1;
    if (passed && chain !== undefined) row.behind += 1;
    else if (passed) row.passed.set(client.name, (row.passed.get(client.name) ?? 0) + 1);
  }

  countError(recording) {
    this.#row(recording).errors += 1;
  }

  /** `row` names the one row of recordings of all folders. */
  #row({ folder, backend, pipeline, row }) {
    const key = row ?? pipeline;
    const names = row === undefined ? { folder, backend: backend.type } : { folder: row, backend: '' };
    if (!this.#rows.has(key))
      this.#rows.set(key, { ...names, all: 0, errors: 0, left: 0, behind: 0, passed: new Map() });
    return this.#rows.get(key);
  }
}

export const header = ['provider', 'backend', 'errors', ...clients.map(({ name }) => name), 'all, behind modifiers'];

/**
 * The cells of a row: how many of its recordings are errors, for each client what passed of all, and what passed of all
 * clients behind modifiers.
 */
export function cellsOf({ folder, backend, all, errors, behind, passed }) {
  return [
    folder,
    backend,
    String(errors),
    ...clients.map(({ name }) => `${passed.get(name) ?? 0}/${all}`),
    `${behind}/${all * clients.length}`,
  ];
}

export function totalCells(rows) {
  const all = rows.reduce((total, row) => total + row.all, 0);
  const errors = rows.reduce((total, row) => total + row.errors, 0);
  const passed = ({ name }) => rows.reduce((total, row) => total + (row.passed.get(name) ?? 0), 0);
  const behind = rows.reduce((total, row) => total + row.behind, 0);
  return [
    'all',
    '',
    String(errors),
    ...clients.map((client) => `${passed(client)}/${all}`),
    `${behind}/${all * clients.length}`,
  ];
}
