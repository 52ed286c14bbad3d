import Type from 'typebox';
import { defineProcessor, type Processor, type ProcessorOutput } from '../kernel/component.ts';
import { SluiceError } from '../kernel/errors.ts';
import { roles, type EventOfType, type Role } from '../kernel/event.ts';
import type { Run } from '../kernel/run.ts';
import { defaulted, Name, strictObject } from '../kernel/schema.ts';
import { createWordMasker, type WordMasker } from '../kernel/words/word-mask.ts';
import { automatonOf, maskOf, maskOptions, wordOptions, wordsAreNamed } from '../kernel/words/word-options.ts';

const config = strictObject(
  {
    ...wordOptions,
    ...maskOptions,
    action: defaulted(
      Type.Enum(['mask', 'remove', 'replace', 'block'], {
        description:
          'mask: something stands in place of each match. remove: nothing does. replace: the text that `replacements` ' +
          'has for the word. block: refuse the request, with the error REQUEST_BLOCKED.',
      }),
      'mask',
    ),
    roles: defaulted(
      Type.Array(Type.Enum([...roles]), {
        minItems: 1,
        uniqueItems: true,
        description: 'Whose text is looked at. Results of tools have the role "tool".',
      }),
      ['user'],
    ),
    rule: defaulted({ ...Name, description: 'Name of the rule that a refused caller is told.' }, 'sensitive-words'),
  },
  wordsAreNamed,
);

/**
 * Masks, removes or replaces the words of a list in the request, or refuses a request that holds one, before a model
 * sees it. It looks at text, block by block; arguments of tool calls, images and files are not text and pass as they are.
 */
export const sensitiveWords = defineProcessor({
  type: 'sensitive-words',
  summary: 'Masks, removes or replaces the words of a list in the request, or blocks a request that holds one.',
  config,
  needs: [],
  guard: true,
  examples: [
    {
      title: 'Mask a word',
      config: { words: ['project x'] },
      given: 'Tell me about Project X!',
      expect: 'Tell me about ***!',
    },
    {
      title: 'Block a request',
      config: { words: ['project x'], action: 'block' },
      given: 'Tell me about PROJECT X!',
      expect: { error: 'REQUEST_BLOCKED' },
    },
    {
      title: 'Let others pass',
      config: { words: ['project x'], action: 'block' },
      given: 'Tell me about projects.',
      expect: 'Tell me about projects.',
    },
    {
      title: 'Chinese and full-width text',
      config: { words: ['机密', 'vip'], perCharacter: '＊' },
      given: '机密的ＶＩＰ名单',
      expect: '＊＊的＊＊＊名单',
    },
    {
      title: 'Whole words only',
      config: { words: ['ass'], match: 'word', with: '#' },
      given: 'a class, an ass',
      expect: 'a class, an #',
    },
    {
      title: 'Remove a word',
      config: { words: ['please '], action: 'remove' },
      given: 'Please tell me',
      expect: 'tell me',
    },
    {
      title: 'A text for each word',
      config: { action: 'replace', replacements: { 'project x': 'the project' } },
      given: 'Tell me about Project X!',
      expect: 'Tell me about the project!',
    },
  ],
  create(options): Processor {
    const automaton = automatonOf(options);
    const mask = maskOf(options);
    const watched = new Set(options.roles);
    const blocks = new OpenBlocks(() => createWordMasker(automaton, mask));
    return options.action === 'block'
      ? blockingProcessor(watched, blocks, options.rule)
      : maskingProcessor(watched, blocks);
  },
});

/** What is known of a block whose text is watched. */
interface OpenBlock {
  readonly role: Role;
  readonly masker: WordMasker;
  /** They prove the text as it was, so they wait until it is known whether it stays. */
  readonly signatures: EventOfType<'reasoning.signature'>[];
}

/** The blocks that are open in each run. They go with the run, whatever its end. */
class OpenBlocks {
  readonly #open: () => WordMasker;
  readonly #runs = new WeakMap<Run, Map<string, OpenBlock>>();

  constructor(open: () => WordMasker) {
    this.#open = open;
  }

  find(run: Run, blockId: string): OpenBlock | undefined {
    return this.#runs.get(run)?.get(blockId);
  }

  /** The block that the text belongs to; its first text opens it. */
  of(run: Run, event: EventOfType<'text.delta'>): OpenBlock {
    const blocks = this.#runs.get(run) ?? new Map<string, OpenBlock>();
    const block = blocks.get(event.blockId) ?? { role: event.role, masker: this.#open(), signatures: [] };
    this.#runs.set(run, blocks.set(event.blockId, block));
    return block;
  }

  /** Forgets a block that ends. Undefined where none of its text was watched. */
  take(run: Run, blockId: string): OpenBlock | undefined {
    const blocks = this.#runs.get(run);
    const block = blocks?.get(blockId);
    blocks?.delete(blockId);
    return block;
  }
}

function maskingProcessor(watched: ReadonlySet<Role>, blocks: OpenBlocks): Processor {
  return {
    process(event, output, run) {
      if (event.type === 'text.delta' && watched.has(event.role)) {
        pushText(event, blocks.of(run, event).masker.text(event.text), output);
      } else if (event.type === 'block.end') {
        endMasked(event, blocks.take(run, event.blockId), output);
      } else if (event.type === 'reasoning.signature' && blocks.find(run, event.blockId) !== undefined) {
        blocks.find(run, event.blockId)?.signatures.push(event);
      } else {
        output.push(event);
      }
    },
  };
}

/** Where the text was changed, what else tells the old text (its frame, its probabilities) is left out. */
function pushText(event: EventOfType<'text.delta'>, text: string, output: ProcessorOutput): void {
  if (text === event.text) {
    output.push(event);
  } else if (text !== '') {
    const { template: _template, logprobs: _logprobs, ...rest } = event;
    output.push({ ...rest, text });
  }
}

function endMasked(event: EventOfType<'block.end'>, block: OpenBlock | undefined, output: ProcessorOutput): void {
  if (block === undefined) {
    output.push(event);
    return;
  }
  const { role, masker, signatures } = block;
  const text = masker.flush();
  if (text !== '') output.push({ type: 'text.delta', blockId: event.blockId, role, text });
  if (masker.matches === 0) {
    for (const signature of signatures) output.push(signature);
    output.push(event);
    return;
  }
  const { final: _repeatsTheText, ...rest } = event;
  output.push(rest);
}

/** Text goes on as it is: the request does not leave before its end, and a match ends it. */
function blockingProcessor(watched: ReadonlySet<Role>, blocks: OpenBlocks, rule: string): Processor {
  return {
    process(event, output, run) {
      if (event.type === 'text.delta' && watched.has(event.role)) {
        const { masker } = blocks.of(run, event);
        masker.text(event.text);
        refuseMatches(masker, rule);
      } else if (event.type === 'block.end') {
        const masker = blocks.take(run, event.blockId)?.masker;
        masker?.flush();
        refuseMatches(masker, rule);
      }
      output.push(event);
    },
  };
}

function refuseMatches(masker: WordMasker | undefined, rule: string): void {
  if (masker !== undefined && masker.matches > 0) throw new SluiceError('REQUEST_BLOCKED', { details: { rule } });
}
