import { readFileSync } from 'node:fs';
import { limits } from './limits.mjs';
import { cellsOf, header, totalCells } from './table.mjs';

const packages = ['openai', '@anthropic-ai/sdk', '@google/genai', 'ollama'];

/** The page of a run. The same recordings, clients and product make the same page. */
export function resultsPage({ rows, failures, notBuilt, totals }) {
  return `# Recorded streams through the official clients

Written by \`npm run test:replay\`. Recorded answers of providers are served by a local server, go through the built
product, and are read by official clients in each format that Sluice speaks. A cell is \`passed/all\` recordings: the client
must understand what a reading of the bytes, without any code of the product, says that the provider said: text,
reasoning, refusal, calls with their arguments, the reason of the end, and usage. Of \`errors\` (error bodies, errors in
the stream, broken streams) the client must report an error, as its kind of API error; so it must of every stream that
ends without its end, after half of its events.

In the last column all clients read the same recordings behind a chain of all modifiers that are live or have a window,
which hold text back all the time and find nothing to change; half of the chains let answers stay in the fast lane. Each
client must understand what it understands without them.

Clients: ${packages.map((name) => `${name} ${versionOf(name)}`).join(', ')}; the native format is read as its documentation says.

${markdownTable([header, ...rows.map(cellsOf), totalCells(rows)])}

${totals}.

## What fails

${failures.length === 0 ? 'Nothing.' : failures.map(failureLine).join('\n')}

## What a format can't say

These differences are expected; everything else has to be equal, but for the ids of calls that the provider gave none, and
for an empty line between the parts of a summary where a format has one string for all of them.

${limits.map(({ what }) => `- ${what}`).join('\n')}

## Not built

${notBuilt.map(([what, count]) => `- ${what}: ${count}`).join('\n')}
`;
}

/** Who asked, in words: a client, and the chain of modifiers where there was one. */
export function askedBy({ client, chain }) {
  return chain === undefined ? client : `${client} behind modifiers of ${chain}`;
}

function failureLine({ file, field, expected, got, reason = 'Not explained.', ...by }) {
  return `- \`${file}\`, ${askedBy(by)}, ${field}: expected \`${short(expected)}\`, got \`${short(got)}\`. ${reason}`;
}

function markdownTable([head, ...body]) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('\n');
}

function versionOf(name) {
  const file = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

/** The two ends of a value that is long. */
export function short(value) {
  const text = (typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing')).replace(/\s+/g, ' ');
  return text.length > 120 ? `${text.slice(0, 70)} ... ${text.slice(-45)}` : text;
}
