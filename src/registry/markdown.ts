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

/** Characters of a line of JSON, from which on its parts get lines of their own. */
const longestJsonLine = 96;

/** JSON as a person would write it: the fields one below the other, and what is short on one line. */
export function readableJson(value: Readonly<Record<string, unknown>>): string {
  return brokenJson(value, '');
}

function jsonText(value: unknown, indent: string): string {
  const line = jsonLine(value);
  return indent.length + line.length <= longestJsonLine ? line : brokenJson(value, indent);
}

function jsonLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(jsonLine).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${jsonLine(item)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

function brokenJson(value: unknown, indent: string): string {
  const inner = `${indent}  `;
  const list = (open: string, parts: readonly string[], close: string): string =>
    `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`;
  if (Array.isArray(value))
    return list(
      '[',
      value.map((item) => jsonText(item, inner)),
      ']',
    );
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${jsonText(item, inner)}`);
  return list('{', fields, '}');
}
