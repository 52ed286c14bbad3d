/**
 * A sorted list of strings that is searched unit by unit: the strings with a common beginning are a range of it, and each
 * further unit narrows the range. A trie without nodes.
 */
export class SortedNames {
  readonly list: readonly string[];

  constructor(names: Iterable<string>) {
    // The default order is that of UTF-16 units.
    this.list = [...new Set(names)].sort();
  }

  /**
   * Within the range from `low` to `high`, whose strings have the same first `at` units: the place of the first one whose
   * next unit is at least `unit`. A string that ends here is before all others.
   */
  find(low: number, high: number, at: number, unit: number): number {
    let first = low;
    let end = high;
    while (first < end) {
      const middle = (first + end) >>> 1;
      const name = this.list[middle] ?? '';
      if (at < name.length && name.charCodeAt(at) >= unit) end = middle;
      else first = middle + 1;
    }
    return first;
  }

  /** The place of the string that is just the first `at` units of the range, or -1. */
  exact(low: number, high: number, at: number): number {
    return low < high && this.list[low]?.length === at ? low : -1;
  }

  indexOf(name: string): number {
    return this.list.indexOf(name);
  }
}
