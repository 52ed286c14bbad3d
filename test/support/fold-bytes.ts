import { framingOf } from '../../src/forward/framings.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import type { BlockKind } from '../../src/kernel/event.ts';
import { chatRequest } from './chat-run.ts';
import { backendOf, type ClientName } from './play-answer.ts';

/** The text of an answer by its kind, its calls, its end and its counts, as a client reads them that takes anything. */
export interface FoldedAnswer {
  readonly texts: Readonly<Partial<Record<BlockKind, string>>>;
  readonly calls: readonly (readonly [name: string | undefined, callId: string | undefined, json: string])[];
  readonly proofs: readonly string[];
  readonly finish: string | undefined;
  readonly input: number | undefined;
  readonly output: number | undefined;
  /** Why it could not be read to its end. */
  readonly failure?: string;
}

const textKinds: ReadonlySet<BlockKind> = new Set(['text', 'reasoning', 'reasoning_summary', 'refusal']);

/** Reads the stream of a client of a dialect that providers speak too. */
export function foldBytes(dialect: Exclude<ClientName, 'native'>, bytes: Buffer): FoldedAnswer {
  const decoder = backendOf(dialect).decode(chatRequest({ dialect }));
  const fold = new AnswerFold();
  let failure: string | undefined;
  const framing = framingOf(dialect === 'ollama' ? 'application/x-ndjson' : 'text/event-stream')?.(
    {
      lane: undefined,
      textFrame: () => false,
      frame: (event, data) => {
        for (const one of decoder.terminated ? [] : decoder.frame(event, data).events) fold.push(one);
      },
    },
    16_777_216,
  );
  try {
    framing?.push(bytes.toString('latin1'));
    framing?.end();
    for (const event of decoder.terminated ? [] : decoder.end()) fold.push(event);
  } catch (error) {
    failure = (error as { code?: string }).code ?? String(error);
  }
  const { choices, usage } = fold.answer;
  const blocks = choices.flatMap((choice) => choice.blocks);
  const texts: Partial<Record<BlockKind, string>> = {};
  for (const { kind, text } of blocks) if (textKinds.has(kind) && text !== '') texts[kind] = (texts[kind] ?? '') + text;
  return {
    texts,
    calls: blocks.flatMap(({ kind, start, arguments: json }) =>
      kind === 'tool_call' || kind === 'custom_tool_call' ? [[start.name, start.callId, json] as const] : [],
    ),
    proofs: blocks.flatMap(({ signature }) => signature?.value ?? []),
    finish: choices.map(({ finish }) => finish?.reason.unified ?? '').join(),
    input: usage?.input?.total,
    output: usage?.output?.total,
    ...(failure !== undefined && { failure }),
  };
}
