import { lossTable, type Sides } from './loss-table.ts';
import type { Outcome, Result } from './results.ts';

const introduction = `# What survives translation

<!-- The tables are measured: \`UPDATE_DOCS=1 npm test -- test/translation\` writes this page. -->

A client speaks its own format, whichever provider answers. Most of what one format says, every other one can say as
well. What it can't is never dropped in silence: either Sluice names it, or it refuses the request.

**Named.** What a provider can't be told is left out of the request, and stands in the header of the answer:

\`\`\`
x-sluice-warnings: lost request.seed, lost request.top_k
\`\`\`

What a client can't be told is often known only after the header has left. So all losses of a run are also in its record,
the log line \`run ended\`, in the field \`lost\`. All names, with their meaning: [losses.md](losses.md).

**Refused.** Where leaving something out would change the question, such as a picture, the client gets status 400 and the
name of the field. So it does for a field that is wrong in its own format.

**Fields without a name here.** A field that only one format has goes on to a backend of the same format as it came, and is
named as lost for any other. For fields that not even the client's format documents, a pipeline decides with
\`inbound.unknownFields\`: \`forward\` treats them the same way and is the default, \`drop\` leaves them out and names them,
\`reject\` refuses the request.

**Proofs of reasoning.** Providers sign or encrypt their reasoning and want to see it again with the next turn. A client of
another format carries such a proof in the field that its own format has for one, in an envelope that names who made it;
send the answer back as it came, and its provider finds its proof again byte for byte. No other provider is shown it.
Chat completions carry proofs in \`reasoning_details\`; clients of Ollama have no place for one.

The same holds for text in any script, arguments of tools, ids of tool calls where both formats have them, and counts of
tokens: they arrive as they were sent, whatever the network did to the bytes on the way. A stream that breaks off, or that
a provider ends with an error, ends in the error form of the client's format and never as if it were complete.
`;

/** The page, of what has been measured. Equal results give equal bytes. */
export function writePage(results: readonly Result[], sides: Sides): string {
  return [
    introduction,
    '## What a request loses\n',
    '*all* are the clients whose format can say it. A pair that no row names loses nothing of the kind.\n',
    lossTable(results, 'client', sides),
    '## What an answer loses\n',
    '*all* are the providers whose format can say it.\n',
    lossTable(results, 'provider', sides),
    '## Case by case\n',
    '✓ everything arrived · ◐ arrived, with a loss that was named · ✗ refused, with the name of the field ·',
    '– the provider has no words for it\n',
    ...sides.client.map((client) => caseTable(results, client, sides.provider)),
  ].join('\n');
}

const signs: Readonly<Record<Outcome['kind'], string>> = { done: '✓', refused: '✗', absent: '–' };
const signOf = ({ kind, lost }: Outcome): string => (kind === 'done' && lost.length > 0 ? '◐' : signs[kind]);

/** The cases of one client, those with equal signs in one row. */
function caseTable(results: readonly Result[], client: string, providers: readonly string[]): string {
  const own = results.filter((result) => result.client === client);
  const unsayable = own
    .filter(({ outcome }) => outcome.kind === 'absent' && outcome.side === 'client')
    .map(({ one }) => one.name);
  const rows = new Map<string, string[]>();
  for (const name of new Set(own.map(({ one }) => one.name))) {
    if (unsayable.includes(name)) continue;
    const signsOfCase = providers.map((provider) => {
      const result = own.find(({ one, provider: other }) => one.name === name && other === provider);
      return result === undefined ? '' : signOf(result.outcome);
    });
    const key = signsOfCase.join(' | ');
    rows.set(key, [...(rows.get(key) ?? []), name]);
  }
  const isWhole = (key: string): boolean => !/[◐✗–]/.test(key);
  const whole = [...rows].flatMap(([key, names]) => (isWhole(key) ? names : []));
  const lacking = [...new Set(unsayable)];
  return [
    `### A client of ${client}\n`,
    `| | ${providers.join(' | ')} |`,
    `|---|${providers.map(() => ':-:').join('|')}|`,
    ...[...rows].flatMap(([key, names]) => (isWhole(key) ? [] : [`| ${names.join('; ')} | ${key} |`])),
    '',
    `Arrives whole from and at every provider: ${whole.join(', ')}.\n`,
    ...(lacking.length === 0 ? [] : [`This format has no words for: ${lacking.join(', ')}.\n`]),
  ].join('\n');
}
