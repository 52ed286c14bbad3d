import { clients } from './replay.mjs';
import { cellsOf, header } from './table.mjs';

const widths = [20, 20, 8, ...clients.map(({ name }) => Math.max(name.length, 7) + 2), 0];

/** Shows each row of the table when it is complete, in order, and how far the run is where somebody looks. */
export class Progress {
  #table;
  #all;
  #done = 0;
  #shown = 0;

  constructor(table, all) {
    this.#table = table;
    this.#all = all;
    printRow(header);
  }

  step() {
    this.#done += 1;
    const { rows } = this.#table;
    while (rows[this.#shown]?.left === 0) {
      this.#note('');
      printRow(cellsOf(rows[this.#shown]));
      this.#shown += 1;
    }
    if (this.#done < this.#all) this.#note(`${this.#done} of ${this.#all}`);
    else this.#note('');
  }

  #note(text) {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${text}`);
  }
}

export function printRow(cells) {
  print(cells.map((cell, at) => cell.padEnd(widths[at])).join(''));
}

export function print(text) {
  process.stdout.write(`${text.trimEnd()}\n`);
}
