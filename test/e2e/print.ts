/** True where the full numbers of a proof are asked for: SLUICE_DEEP=1. */
export const deep = process.env['SLUICE_DEEP'] === '1';

/** Writes a title and lines for people to standard output. */
export function print(title: string, ...lines: readonly string[]): void {
  process.stdout.write(`\n${[title, ...lines.map((line) => `  ${line}`)].join('\n')}\n`);
}

/** Writes rows under the names of their fields, which must be the same in all rows. */
export function printTable(title: string, rows: readonly Readonly<Record<string, string | number>>[]): void {
  const names = Object.keys(rows[0] ?? {});
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name])))];
  const widths = names.map((_name, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  print(
    title,
    ...cells.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    ),
  );
}
