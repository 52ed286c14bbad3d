import type { BuiltEngine } from './engine-process.ts';

/** Body of `create` of components that break the rules, as they would come from somebody else. */
const processors = {
  'throws-late':
    "return { processRequest() { setTimeout(() => { throw new Error('thrown late'); }, 100); return undefined; } };",
  'throws-after-end':
    "return { processRequest() { setTimeout(() => { throw new Error('thrown after the end'); }, 600); return undefined; } };",
  'rejects-loose':
    "return { processRequest() { setTimeout(() => void Promise.reject(new Error('rejected loose')), 100); return undefined; } };",
  'rejects-at-once':
    "return { processRequest() { void Promise.reject(new Error('rejected loose')); return undefined; } };",
  'throws-in-emitter':
    "return { processRequest() { const emitter = new EventEmitter(); setImmediate(() => emitter.emit('error', new Error('nobody listens'))); return undefined; } };",
  'never-settles': 'return { processRequest: () => new Promise(() => {}) };',
  'settles-too-late':
    "return { processRequest: () => new Promise((_resolve, reject) => setTimeout(() => reject(new Error('too late')), 600)) };",
  floods:
    "return { process(_event, output) { for (;;) output.push({ type: 'text.delta', blockId: 'b0', role: 'user', text: 'x' }); } };",
  'floods-and-hides':
    "return { process(_event, output) { for (;;) { try { output.push({ type: 'text.delta', blockId: 'b0', role: 'user', text: 'x' }); } catch { return; } } } };",
  'pushes-after-end':
    'return { process(event, output) { output.push(event); setTimeout(() => output.push(event), 100); } };',
  'answers-after-end':
    'return { processRequest(_request, output) { setTimeout(() => output.answer([]), 100); return undefined; } };',
  'throws-at-once': "return { processRequest() { throw 'a string'; } };",
} as const;
const modifiers = {
  'throws-in-text':
    "return { effect: 'text', channels: ['text'], policy: { mode: 'live' }, open: () => ({ text() { throw new Error('no text'); }, flush: () => '' }) };",
  'returns-no-text':
    "return { effect: 'text', channels: ['text'], policy: { mode: 'live' }, open: () => ({ text: () => ({}), flush: () => '' }) };",
  'never-goes-on':
    "return { effect: 'events', policy: { mode: 'live' }, open: () => ({ modify: () => new Promise(() => {}) }) };",
  'emits-after-end':
    "return { effect: 'events', policy: { mode: 'live' }, open: () => ({ modify(event, emit) { emit(event); if (event.type === 'text.delta') setTimeout(() => emit(event), 600); } }) };",
  'rejects-in-events':
    "return { effect: 'events', policy: { mode: 'live' }, open: () => ({ modify: () => Promise.reject(new Error('no event')) }) };",
} as const;
/** It breaks outside of any run. */
const freeProcessors = {
  'throws-from-create':
    "setTimeout(() => { throw new Error('from create'); }, 1000); return { processRequest: () => undefined };",
} as const;

export type HostileProcessor = keyof typeof processors;
export type HostileModifier = keyof typeof modifiers;

/** Adds all of them to a build, beside those of the product. */
export async function addHostileComponents(built: BuiltEngine): Promise<void> {
  const sources = [
    ...Object.entries({ ...processors, ...freeProcessors }).map(
      ([type, create]) => ['processor', type, create] as const,
    ),
    ...Object.entries(modifiers).map(([type, create]) => ['modifier', type, create] as const),
  ];
  await Promise.all(
    sources.map(([kind, type, create]) => built.addComponent(`${kind}s/${type}.js`, moduleOf(kind, type, create))),
  );
}

function moduleOf(kind: string, type: string, create: string): string {
  return `
    import { EventEmitter } from 'node:events';
    import { strictObject } from '../kernel/schema.js';
    export default { kind: '${kind}', type: '${type}', summary: 'Breaks the rules.', config: strictObject({}), needs: [], guard: false, examples: [], create() { ${create} } };
    void EventEmitter;
  `;
}
