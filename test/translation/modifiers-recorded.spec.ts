import { describe, expect, it } from '@jest/globals';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import type { Modifier } from '../../src/kernel/component.ts';
import type { HttpCaller } from '../../src/kernel/http-caller.ts';
import type { PipelineCaller } from '../../src/kernel/pipeline-caller.ts';
import { foldBytes } from '../support/fold-bytes.ts';
import { modifierStep } from '../support/modifier-step.ts';
import type { ClientName } from '../support/play-answer.ts';
import { recordedAnswers, type RecordedAnswer } from '../support/recorded-answers.ts';
import { hasRecordedStreams } from '../support/recorded-streams.ts';
import { clients, differs, hear, providers, type Heard, type Pair } from './modifiers/plays.ts';

/* What real providers have sent, through all that works while it streams, set up so that nothing matches. */

/** Stands in no answer. */
const never = '\ue000\ue001';
/** Begin often, and are never completed: much is held, and all of it leaves. */
const begun = ['the sluice gate that nobody built', 'to be or not to be at all', '{"a": nothing', '**bold as brass**'];

const quietSteps: readonly Bound<Modifier>[] = [
  modifierStep('replace', { rules: [{ find: never, with: 'x' }, { pattern: `${never}[a-z]{1,9}`, with: 'x' }] }),
  modifierStep('insert', { text: 'x', at: 'after', marker: never }),
  modifierStep('insert', { text: 'x', at: 'before', marker: never }),
  modifierStep('stop-when', { sequences: [never], repetition: { minCharacters: 64, times: 50 } }),
  modifierStep('restore-placeholders'),
  modifierStep('format-stream'),
];
const textSteps: readonly Bound<Modifier>[] = [
  modifierStep('mask-words', { words: [never, ...begun] }),
  modifierStep('mask-words', { words: [never, ...begun], action: 'stop' }),
  modifierStep('mask-patterns', { patterns: [{ name: 'n', regex: `[a-z ]{2,20}${never}` }] }),
  ...quietSteps,
  modifierStep('replace', { rules: begun.map((find) => ({ find, with: 'x' })) }),
  modifierStep('insert', { text: 'x', at: 'before', marker: 'the sluice' }),
  modifierStep('insert', { text: 'x' }, { phase: 'end', endCondition: () => false }),
  modifierStep('stop-when', { sequences: begun, maxCharacters: 1_000_000 }),
  modifierStep('format-stream', { pace: 'word' }),
  modifierStep('json-guard', { onInvalid: 'pass' }),
];
const http: HttpCaller = {
  call: () => Promise.resolve({ status: 200, headers: {}, body: '{"results":[{"flagged":false,"categories":{}}]}' }),
};
const pipelines: PipelineCaller = { call: (_name, { user }) => Promise.resolve({ text: user, finish: 'stop' }) };
const allSteps: readonly Bound<Modifier>[] = [
  modifierStep('tool-guard', { deny: [never] }),
  ...textSteps,
  modifierStep('moderate', { check: { url: 'https://moderation.invalid/' }, onError: 'block' }, { world: { http } }),
  modifierStep('translate', { pipeline: 'same', language: 'English' }, { world: { pipelines } }),
];

const title = hasRecordedStreams ? 'a recorded stream' : 'a recorded stream (SKIPPED: ../shared/fixtures is not there)';

(hasRecordedStreams ? describe : describe.skip).each(providers)(`${title} of $type`, (provider) => {
  const recorded = hasRecordedStreams ? recordedAnswers(provider.type) : [];
  const own = clients.filter(({ dialect }) => (dialect as string) === provider.type);

  it('is there', () => {
    expect(recorded.length).toBeGreaterThan(2);
  });

  it.each([
    ['text', textSteps],
    ['events', allSteps],
  ])('means the same behind a chain of all modifiers of %s', async (_name, steps) => {
    const complaints: string[] = [];
    for (const [index, { name, answer }] of recorded.entries()) {
      const other = clients[index % clients.length];
      for (const client of new Set([...own, ...(other === undefined ? [] : [other])])) {
        const pair: Pair = { client, provider };
        const plain = await hear(pair, answer, []);
        const heard = await hear(pair, answer, steps);
        const found = differs('what is read', meaning(client.dialect, heard, plain), meaning(client.dialect, plain, plain));
        complaints.push(...found.map((complaint) => `${name} for ${client.dialect}: ${complaint.slice(0, 2_000)}`));
      }
    }
    expect(complaints).toEqual([]);
  });

  it('keeps its bytes where nothing protects, for a client of its own format', async () => {
    for (const client of own) expect(await changedBytes({ client, provider }, recorded)).toEqual([]);
  });
});

/** What the strict client of the dialect has read, where it takes such an answer at all, and the whole of it otherwise. */
function meaning(client: ClientName, { reading, bytes, error, refused }: Heard, plain: Heard): unknown {
  const { signature, ...answer } = reading.answer;
  const read = plain.reading.end === 'cut' ? undefined : { ...answer, end: reading.end, signed: signature !== undefined };
  const folded = client === 'native' || refused ? undefined : foldBytes(client, bytes);
  return { code: error?.code, refused, read, folded };
}

async function changedBytes(pair: Pair, recorded: readonly RecordedAnswer[]): Promise<readonly string[]> {
  const changed: string[] = [];
  for (const { name, answer } of recorded) {
    const plain = await hear(pair, answer, []);
    const heard = await hear(pair, answer, quietSteps);
    if (!heard.bytes.equals(plain.bytes)) changed.push(name);
  }
  return changed;
}
