import { describe, expect, it } from '@jest/globals';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import type { Modifier } from '../../src/kernel/modifier.ts';
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
  modifierStep('replace', {
    rules: [
      { find: never, with: 'x' },
      { pattern: `${never}[a-z]{1,9}`, with: 'x' },
    ],
  }),
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
        // What nobody has judged when the answer breaks is never shown.
        const found =
          steps === allSteps && plain.error !== undefined ? lessThan(plain, heard) : same(client.dialect, plain, heard);
        complaints.push(...found.map((complaint) => `${name} for ${client.dialect}: ${complaint.slice(0, 2_000)}`));
      }
    }
    expect(complaints).toEqual([]);
  });

  it('keeps its bytes where nothing protects, for a client of its own format', async () => {
    for (const client of own) expect(await changedFrames({ client, provider }, recorded)).toEqual([]);
  });
});

function same(client: ClientName, plain: Heard, heard: Heard): readonly string[] {
  return differs('what is read', meaning(client, heard, plain), meaning(client, plain, plain));
}

function lessThan(plain: Heard, heard: Heard): readonly string[] {
  const { text, reasoning } = plain.reading.answer;
  const isLess = text.startsWith(heard.reading.answer.text) && reasoning.startsWith(heard.reading.answer.reasoning);
  return [...differs('the error', heard.error?.code, plain.error?.code), ...(isLess ? [] : ['more is read'])];
}

/** What the strict client of the dialect has read, where it takes such an answer at all, and what a loose one has. */
function meaning(client: ClientName, { reading, bytes, error, refused }: Heard, plain: Heard): unknown {
  const { signature: _proofs, usage, ...answer } = reading.answer;
  // Counts that nobody told are 0 where a frame is written anew.
  const counts = Object.entries(usage ?? {}).filter(([, count]) => count !== 0);
  const strict = { ...answer, usage: Object.fromEntries(counts), end: reading.end };
  const { finish, ...loose } = client === 'native' || refused ? { finish: '' } : foldBytes(client, bytes);
  return {
    code: error?.code,
    refused,
    read: plain.reading.end === 'cut' ? undefined : strict,
    ...loose,
    // Tools whose calls nobody can read are withheld where something protects, and so the answer ends without one.
    finish: finish === 'tool_calls' && 'calls' in loose && loose.calls.length === 0 ? 'stop' : finish,
  };
}

/**
 * Frames whose bytes may change though nothing matches: of a proof, which waits for the end of its text; of arguments, in
 * which a number waits for its end; and of what comes with them.
 */
const maySettle =
  /signature|content_block_stop|reasoning_details|"arguments"|arguments\.(?:delta|done)|input_json_delta|_code\.(?:delta|done)/;

const signed = /"signature":"|reasoning\.encrypted/;

async function changedFrames(pair: Pair, recorded: readonly RecordedAnswer[]): Promise<readonly string[]> {
  const changed: string[] = [];
  for (const { name, answer } of recorded) {
    const [plain, heard] = [await hear(pair, answer, []), await hear(pair, answer, quietSteps)];
    const left = new Set(framesOf(heard));
    const missing = framesOf(plain).filter((frame) => !left.has(frame));
    const stayed = missing.filter((frame) => !maySettle.test(frame));
    // The frames of a response are numbered, and a proof of a chunk leaves with the text behind it.
    const shifts =
      pair.client.dialect.startsWith('openai-') && (stayed.length < missing.length || signed.test(plain.shown));
    if (!shifts) changed.push(...stayed.map((frame) => `${name}: ${frame.slice(0, 300)}`));
  }
  return changed;
}

const framesOf = ({ bytes }: Heard): readonly string[] =>
  bytes.toString('latin1').split(/(?<=\n\n|\r\n\r\n)|(?<=\}\n)(?=\{)/);
