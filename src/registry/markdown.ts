/** The lines of a table. Cells are plain text or inline code; a pipe in them does not end the cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [row(head), row(head.map(() => '---')), ...rows.map(row)];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map(cell).join(' | ')} |`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');
}

export function codeBlock(language: string, text: string): string[] {
  return [`\`\`\`${language}`, ...text.split('\n'), '```'];
}
