import { it } from '@jest/globals';
import { modifierStep } from '../support/modifier-step.ts';
import { recordedAnswers } from '../support/recorded-answers.ts';
import { clients, hear, providers } from './modifiers/plays.ts';
const never = '\ue000\ue001';
const steps = {
  replace: modifierStep('replace', { rules: [{ find: never, with: 'x' }] }),
  insertAfter: modifierStep('insert', { text: 'x', at: 'after', marker: never }),
  insertBefore: modifierStep('insert', { text: 'x', at: 'before', marker: never }),
  stop: modifierStep('stop-when', { sequences: [never], repetition: { minCharacters: 64, times: 50 } }),
  restore: modifierStep('restore-placeholders'),
  format: modifierStep('format-stream'),
};
const firstDiff = (a: string, b: string) => { let i = 0; while (i < a.length && a[i] === b[i]) i++; return [a.slice(Math.max(0, i - 150), i + 150), b.slice(Math.max(0, i - 150), i + 150)]; };
it('bytes', async () => {
  for (const [p, files] of [['openai-chat', ['llm-test-tool-use-basic.i0', 'olm-test-agent-arun-streaming-with-tools.i0', 'openrouter-stream-with-reasoning']], ['openai-responses', ['responses-streaming-usage', 'thinking-with-code-execution-tool-stream', 'openai-reasoning-encrypted-content-1']], ['anthropic-messages', ['agw-stream-thinking', 'advisor-tool-stream', 'deferred-bm25']]] as const) {
    const pair = { provider: providers.find((x) => x.type === p)!, client: clients.find((x) => x.dialect === p)! };
    for (const f of files) {
      const r = recordedAnswers(p).find((x) => x.name.includes(f))!;
      const plain = await hear(pair, r.answer, []);
      for (const [n, s] of Object.entries(steps)) {
        const h = await hear(pair, r.answer, [s]);
        if (!h.bytes.equals(plain.bytes)) { console.log('@@', f, n, JSON.stringify(firstDiff(plain.bytes.toString(), h.bytes.toString()), null, 1)); break; }
      }
    }
  }
});
it('usage', async () => {
    const pair = { provider: providers.find((x) => x.type === 'anthropic-messages')!, client: clients.find((x) => x.dialect === 'anthropic-messages')! };
    const r = recordedAnswers('anthropic-messages').find((x) => x.name.includes('vai-anthropic-refusal'))!;
    const h = await hear(pair, r.answer, [modifierStep('mask-words', { words: [never] })]);
    console.log('@@', r.answer.pieces[0]!.toString(), '\n=====\n', h.bytes.toString());
});
it('groq', async () => {
    const pair = { provider: providers.find((x) => x.type === 'openai-chat')!, client: clients.find((x) => x.dialect === 'openai-chat')! };
    const r = recordedAnswers('openai-chat').find((x) => x.name.includes('streaming-with-text.i0'))!;
    for (const s of [modifierStep('json-guard', { onInvalid: 'pass' }), modifierStep('format-stream', { pace: 'word' }),modifierStep('insert', { text: 'x' }, { phase: 'end', endCondition: () => false }), modifierStep('replace', { rules: [{ find: 'maybe not', with: 'x' }] })]) {
      const h = await hear(pair, r.answer, [s]);
      console.log('@@', s.name, h.reading.answer.text, h.reading.end);
    }
    console.log(r.answer.pieces[0]!.toString().slice(-1500));
});
