import type { Processor } from '../../src/kernel/component.ts';
import type { EventModifier, Modifier } from '../../src/kernel/modifier.ts';
import type { AnswerEvent, RequestEvent } from '../../src/kernel/event.ts';
import type { ChatRequest } from '../../src/kernel/request.ts';
import { testRun, type TestRun } from './test-run.ts';
import { textBlock } from './text-block.ts';

/** Sends events through a processor by itself. */
export async function pushAll(processor: Processor, events: readonly RequestEvent[]): Promise<RequestEvent[]> {
  const pushed: RequestEvent[] = [];
  const { run } = testRun();
  const output = {
    push: (event: RequestEvent) => void pushed.push(event),
    answer: () => {
      throw new Error('No example answers by itself.');
    },
  };
  for (const event of events) await processor.process?.(event, output, run);
  return pushed;
}

/** Something of everything that a request can hold beside text. */
export const oddRequest: Partial<ChatRequest> = {
  model: 'm',
  settings: { temperature: 0.5, stop: ['x'] },
  tools: [{ name: 'f', parameters: { type: 'object' } }],
  metadata: { team: 'care' },
  params: { tone: 'formal' },
  ext: { 'openai-chat': { vendor: { deep: [1, null] } } },
  messages: [
    { role: 'system', content: [{ kind: 'text', text: 'Be brief.' }], ext: { 'openai-chat': { weight: 1 } } },
    {
      role: 'assistant',
      content: [
        { kind: 'reasoning', text: 'because', signature: { value: 'AAEC', format: 'x', encrypted: true } },
        { kind: 'tool_call', name: 'f', callId: 'c1', arguments: '{"a":1}' },
        { kind: 'unknown', initial: { type: 'vendor_block', data: [1, 2] } },
      ],
    },
    { role: 'tool', callId: 'c1', content: [{ kind: 'text', text: '5' }] },
    {
      role: 'user',
      name: 'ann',
      content: [
        { kind: 'text', text: 'harmless', annotations: [{ note: 1 }] },
        { kind: 'image', url: 'https://example.com/a.png', mediaType: 'image/png' },
        { kind: 'file', base64: 'AAEC', mediaType: 'application/pdf' },
        { kind: 'audio', fileId: 'file-1' },
      ],
    },
  ],
};

export const strangeEvents: readonly RequestEvent[] = [
  { type: 'raw', dialect: 'vendor', event: 'ping', data: '{}' },
  { type: 'vendor.unheard-of', payload: [1, { a: null }] } as unknown as RequestEvent,
];

/** Sends the pieces of one block through a modifier by itself and joins what leaves. */
export async function modify(modifier: Modifier, pieces: readonly string[], { run }: TestRun): Promise<string> {
  if (modifier.effect === 'events') return modifyEvents(modifier, pieces, run);
  const channel = modifier.channels[0] ?? 'text';
  if (modifier.effect === 'text') {
    const rewriter = modifier.open(run, textBlock({ channel }));
    const text = pieces.map((piece) => rewriter.text(piece)).join('') + rewriter.flush();
    return text + (rewriter.close?.('stop') ?? '');
  }
  const reader = modifier.open(run, textBlock({ channel }));
  for (const piece of pieces) reader.read(piece);
  reader.end?.();
  return pieces.join('');
}

async function modifyEvents(modifier: EventModifier, pieces: readonly string[], run: TestRun['run']): Promise<string> {
  const block = { blockId: 'b0', role: 'assistant' } as const;
  const events: readonly AnswerEvent[] = [
    { type: 'block.start', kind: 'text', ...block },
    ...pieces.map((text): AnswerEvent => ({ type: 'text.delta', ...block, text })),
    { type: 'block.end', blockId: 'b0' },
    { type: 'finish', reason: { unified: 'stop' } },
  ];
  let text = '';
  const emit = (event: AnswerEvent): void => {
    if (event.type === 'text.delta') text += event.text;
  };
  const rewriter = modifier.open(run, { emit, stop: ({ message = '' }) => void (text += message) });
  for (const event of events) await rewriter.modify(event, emit, run);
  await rewriter.flush?.(emit, run);
  return text;
}
