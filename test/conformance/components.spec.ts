import { existsSync, readdirSync } from 'node:fs';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import Value from 'typebox/value';
import { capabilityNames } from '../../src/kernel/capability.ts';
import type { AnyComponent, ComponentKind, Encoder, Processor } from '../../src/kernel/component.ts';
import type { Modifier } from '../../src/kernel/modifier.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { Secret } from '../../src/kernel/schema.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { AnswerEvent, RequestEvent } from '../../src/kernel/event.ts';
import { foldRequest, messageText, unfoldRequest, type ChatRequest } from '../../src/kernel/request.ts';
import { componentFolders, schemaMistake } from '../../src/registry/discover.ts';
import { componentKinds, type ComponentOf } from '../../src/registry/registry.ts';
import { buildConfig, createInstance, exampleSecret } from '../support/component-instance.ts';
import { modify, oddRequest, pushAll, strangeEvents } from '../support/component-runs.ts';
import { failureOf, runSetUp, say, stepOf, textOf } from '../support/processor-steps.ts';
import { productRegistry } from '../support/sluice.ts';
import { testRun } from '../support/test-run.ts';
import { textBlock } from '../support/text-block.ts';

/*
 * What every component of the product must hold. A new one is tested here without a line of a test being written for
 * it; what is special about it has its own spec.
 */

const sourceFolder = new URL('../../src/', import.meta.url);
const registry = await productRegistry();
const all = componentKinds.flatMap((kind) => registry.list(kind).map((component) => [kind, component] as const));

type ExampleOf<K extends ComponentKind> = ComponentOf<K>['examples'][number];
type ExampleRow<K extends ComponentKind> = readonly [string, string, ComponentOf<K>, ExampleOf<K>];

/** Each example of a kind with its component, as rows of a table. */
function examplesOf<K extends ComponentKind>(kind: K): ExampleRow<K>[] {
  return registry.list(kind).flatMap((component) => {
    const examples = component.examples as readonly ExampleOf<K>[];
    return examples.map((example): ExampleRow<K> => [component.type, example.title, component, example]);
  });
}

/** Types by the files: a component is a file, or the file of the same name in a folder. */
function filesOf(kind: ComponentKind): string[] {
  const folder = new URL(`${componentFolders[kind]}/`, sourceFolder);
  const entries = readdirSync(folder, { withFileTypes: true }).map((entry) => ({
    type: entry.name.replace(/\.ts$/, ''),
    isComponent: entry.isFile() || existsSync(new URL(`${entry.name}/${entry.name}.ts`, folder)),
  }));
  return entries.filter(({ isComponent }) => isComponent).map(({ type }) => type);
}

const pascalCase = (name: string): string =>
  name.replaceAll(/(?:^|-)([a-z])/g, (_all, letter: string) => letter.toUpperCase());
const camelCase = (name: string): string => pascalCase(name).replace(/^[A-Z]/, (letter) => letter.toLowerCase());

describe.each(componentKinds.map((kind) => [kind] as const))('the folder of %ss', (kind) => {
  it('holds one component per file, of the type that the file is called', () => {
    expect(registry.types(kind)).toEqual(filesOf(kind).sort());
    expect(registry.types(kind).length).toBeGreaterThan(0);
  });
});

describe.each(all.map(([kind, component]) => [`${kind} ${component.type}`, kind, component] as const))(
  '%s',
  (_name, kind, component) => {
    it('is exported by name', async () => {
      const url = new URL(`${componentFolders[kind]}/${component.type}.ts`, sourceFolder);
      const exported = Object.entries((await import(url.href)) as Record<string, unknown>);
      const [name] = exported.filter(([, value]) => value === component).map(([key]) => key);
      expect([camelCase(component.type), camelCase(`${component.type}-${kind}`)]).toContain(name);
    });

    it('says what it is in one sentence', () => {
      expect(component.summary).toMatch(/^[A-Z][^\n]{10,150}[^.\s]\.$/);
      expect(component.summary).not.toMatch(/[.!?]\s/);
    });

    it('needs what the process offers', () => {
      expect(capabilityNames).toEqual(expect.arrayContaining([...component.needs]));
      expect(new Set(component.needs).size).toBe(component.needs.length);
    });

    it('has a config that compiles strictly, with a word about every key', () => {
      expect(schemaMistake(component.config)).toBeUndefined();
      const keys = Object.entries(component.config.properties as Record<string, { description?: unknown }>);
      expect(keys.filter(([, { description }]) => typeof description !== 'string').map(([key]) => key)).toEqual([]);
    });

    it('refuses a key that it does not know', () => {
      expect(buildConfig(component, { ...configsOf(component)[0], 'no-such-key': 1 }).mistakes).not.toEqual([]);
    });

    it('has examples, each with a title of its own', () => {
      const titles = component.examples.map(({ title }) => title);
      expect(titles.length).toBeGreaterThan(0);
      expect(new Set(titles).size).toBe(titles.length);
      expect(titles.filter((title) => !/^\S.*[^.\s]$/.test(title))).toEqual([]);
    });

    it('is created with the config of each example, and disposed, twice if need be', async () => {
      for (const config of configsOf(component)) {
        const test = testRun();
        const instance = createInstance(component, config, test.capabilities, registry);
        const { dispose } = instance as { dispose?: () => void | Promise<void> };
        await dispose?.call(instance);
        await dispose?.call(instance);
        expect(test.clock.pendingTimers()).toEqual([]);
        expect(test.capabilities.ticker.size).toBe(0);
        expect(test.log.lines).toEqual([]);
      }
    });
  },
);

/** The configs of the examples; an encoder and a parser have none but the empty one. */
function configsOf({ examples }: AnyComponent): readonly Record<string, unknown>[] {
  return examples.map((example) => ('config' in example ? example.config : {}));
}

// ---- processors ------------------------------------------------------------------------------------------------------

describe.each(examplesOf('processor'))(
  'the example of %s: %s',
  (_type, _title, component, { config, given, expect: expected }) => {
    const create = (): Processor => createInstance(component, config, testRun().capabilities);
    const outcomeOf = async (request: ChatRequest): Promise<unknown> => {
      const { process, clock } = runSetUp();
      const work = async (): Promise<string> => textOf(await process([stepOf(create())], request));
      const outcome = typeof expected === 'string' ? await work() : { error: (await failureOf(work)).code };
      expect(clock.pendingTimers()).toEqual([]);
      return outcome;
    };

    it('is true', async () => {
      expect(await outcomeOf(say(given))).toEqual(expected);
    });

    it('is true for text in pieces', async () => {
      const processor = create();
      if (processor.process === undefined) return;
      const deltas = given
        .split('')
        .map((text): RequestEvent => ({ type: 'text.delta', blockId: 'b0', role: 'user', text }));
      const events = [...unfoldRequest(say(given))].flatMap((event) =>
        event.type === 'text.delta' ? deltas : [event],
      );
      const work = async (): Promise<string> => lastText(foldRequest(await pushAll(processor, events)));
      expect(typeof expected === 'string' ? await work() : { error: (await failureOf(work)).code }).toEqual(expected);
    });

    it('lets all pass that is no text of the user, untouched and in order', async () => {
      const request = { ...say('harmless'), ...oddRequest };
      const { process } = runSetUp();
      expect(await process([stepOf(create())], request)).toEqual({ request });
    });

    it('lets events pass that nobody knows, untouched and in order', async () => {
      const processor = create();
      if (processor.process === undefined) return;
      const events = [...unfoldRequest({ ...say('harmless'), ...oddRequest })].flatMap((event) => [
        event,
        ...strangeEvents,
      ]);
      const pushed = await pushAll(processor, events);
      const isStrange = (event: RequestEvent): boolean => strangeEvents.includes(event);
      expect(pushed.filter(isStrange)).toEqual(events.filter(isStrange));
      expect(pushed.filter(({ type }) => type !== 'text.delta')).toEqual(
        events.filter(({ type }) => type !== 'text.delta'),
      );
    });
  },
);

const lastText = (request: ChatRequest): string =>
  messageText(request.messages.at(-1) ?? { role: 'user', content: [] });

// ---- modifiers -------------------------------------------------------------------------------------------------------

describe.each(examplesOf('modifier'))(
  'the example of %s: %s',
  (_type, _title, component, { config, given, expect: expected }) => {
    const test = testRun();
    const modifier: Modifier = createInstance(component, config, test.capabilities);
    const text = given.join('');

    it('is true', async () => {
      expect(await modify(modifier, given, test)).toBe(expected);
    });

    it('is true for the whole, for single characters, and for every cut in two', async () => {
      expect(await modify(modifier, [text], test)).toBe(expected);
      expect(await modify(modifier, text.split(''), test)).toBe(expected);
      for (let cut = 1; cut < text.length; cut += 1)
        expect(await modify(modifier, [text.slice(0, cut), text.slice(cut)], test)).toBe(expected);
    });

    it('is true for every other cut, empty pieces among them', async () => {
      const places = fc.array(fc.nat(text.length), { maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(places, async (cuts) => {
          const ends = [...cuts.sort((one, other) => one - other), text.length];
          const pieces = ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
          expect(await modify(modifier, pieces, test)).toBe(expected);
        }),
      );
    });

    it('holds what its policy says', () => {
      const { policy } = modifier;
      if (policy.mode === 'window') expect(policy.maxHeldCharacters).toBeGreaterThan(0);
      if (policy.mode !== 'live' || modifier.effect !== 'text') return;
      for (let length = 1; length <= text.length; length += 1) {
        const rewriter = modifier.open(test.run, textBlock({ channel: modifier.channels[0] ?? 'text' }));
        const prefix = text.slice(0, length);
        // What is held ends with the last unit; what is put behind a text comes without it.
        if (!rewriter.text(prefix).endsWith(prefix.slice(-1))) expect(rewriter.flush()).toBe('');
      }
    });

    it('keeps streams apart, and leaves no timer', async () => {
      const [half, rest] = [text.slice(0, text.length / 2), text.slice(text.length / 2)];
      const [first, second] = [modify(modifier, [half, rest], test), modify(modifier, [half, rest], test)];
      expect([await first, await second]).toEqual([expected, expected]);
      expect(test.clock.pendingTimers()).toEqual([]);
    });
  },
);

// ---- token providers and backends ------------------------------------------------------------------------------------

describe.each(examplesOf('token-provider'))('the example of %s: %s', (_type, _title, component, { config }) => {
  const request = { method: 'POST', origin: 'https://api.example.com', path: '/v1', headers: {}, body: '{}' } as const;

  it('adds a credential to a request and to nothing else, or says why there is none, and shows no secret', async () => {
    const test = testRun();
    const run = { ...test.run, presented: (name: string) => new Secret(`header ${name}`, () => exampleSecret) };
    const provider = createInstance(component, config, test.capabilities, registry);
    const link = linkOf({ name: 'under-test', type: component.type, provider }, test.capabilities);
    const shown: unknown[] = [provider, link.state()];
    try {
      const credential = await link.getToken(run);
      const signed = { ...request, headers: {} };
      await credential.apply(signed);
      expect(signed).toEqual({ ...request, path: expect.stringMatching(/^\/v1(\?|$)/), headers: expect.anything() });
      expect(signed).not.toEqual(request);
      expect(credential.origins === '*' || credential.origins.length > 0).toBe(true);
      for (const reason of ['rejected', 'rate-limited', 'quota', 'rejected'] as const)
        link.invalidate(credential, { reason });
      link.settled(credential, 'refused');
      shown.push(credential);
    } catch (error) {
      // There is no network here for those who ask somebody, themselves or through what they wrap.
      const wraps = JSON.stringify(config).includes('"type":');
      const { code } = error as SluiceError;
      const { built } = buildConfig(component, config);
      if (component.fetching?.(built as never) === undefined && !wraps) expect(code).toBe('CALLER_KEY_MISSING');
      else expect(code).toMatch(/^TOKEN_(UNAVAILABLE|INVALID)$/);
      expect(Object(error).context).toMatchObject({ tokenProvider: expect.stringMatching(/^under-test/) });
      shown.push(error, inspect(error, { depth: 9 }));
    }
    shown.push(link.state());
    await link.dispose?.();
    for (const secret of [exampleSecret, 'PRIVATE KEY']) {
      expect(JSON.stringify([shown, test.log.text()])).not.toContain(secret);
      expect(inspect(shown, { depth: 9, showHidden: true })).not.toContain(secret);
    }
    expect(test.clock.pendingTimers()).toEqual([]);
  });
});

describe.each(examplesOf('backend'))('the example of %s: %s', (_type, _title, component, { config }) => {
  const test = testRun();
  const backend = createInstance(component, config, test.capabilities);

  it('encodes a request to its own origin', () => {
    const request = backend.encode({ ...say('Hello'), ...oddRequest, messages: say('Hello').messages }, test.run);
    expect(request.origin).toBe(new URL(backend.origin).origin);
    expect(request.path).toMatch(/^\/\S*$/);
    expect(request.headers['content-type']).toBe('application/json');
    expect(Object.keys(request.headers).filter((name) => name !== name.toLowerCase())).toEqual([]);
    expect(JSON.parse(request.body)).toBeInstanceOf(Object);
    expect(backend.model).not.toBe('');
  });

  it('never takes an answer that broke off for a complete one', () => {
    const decoder = backend.decode(say('Hello'));
    expect(decoder.terminated).toBe(false);
    expect(() => decoder.end()).toThrow(expect.objectContaining({ code: 'UPSTREAM_TRUNCATED' }));
  });

  it.each([
    [400, '{"error":{"message":"no","type":"invalid_request_error"}}'],
    [401, ''],
    [404, '<html>'],
    [429, '[]'],
    [500, 'null'],
    [503, '"\u0000'],
    [599, '{"error":'],
  ])('makes an error of a %i with the body %j', (status, body) => {
    const error = backend.decodeError({ status, headers: {} }, body);
    expect(error).toBeInstanceOf(SluiceError);
    expect(error.code).toMatch(/^UPSTREAM_/);
  });
});

// ---- parsers and encoders --------------------------------------------------------------------------------------------

describe.each(examplesOf('parser'))('the example of %s: %s', (type, _title, component, { body }) => {
  const parser = createInstance(component, {}, testRun().capabilities);
  const parse = (value: unknown): ChatRequest => parser.parse(value);

  it('is a request, and the same one after it was unfolded to events and folded again', () => {
    const request = parse(body);
    expect(request.dialect).toBe(type);
    expect(request.messages.length).toBeGreaterThan(0);
    expect(foldRequest(unfoldRequest(request))).toEqual(request);
  });

  it('is left as it was', () => {
    const before = JSON.stringify(body);
    parse(body);
    expect(JSON.stringify(body)).toBe(before);
  });

  it('is what its schema says, where it has one', () => {
    expect(component.body === undefined || Value.Check(component.body, body)).toBe(true);
  });

  it.each([[null], [[]], ['text'], [{}], [{ messages: 'text' }], [{ messages: [null] }]])('is not %j', (wrong) => {
    expect(() => parse(wrong)).toThrow(expect.objectContaining({ code: 'REQUEST_INVALID' }));
  });
});

/** Where a comment is not the form: an event that all clients of the dialect ignore, or a line that says nothing. */
const heartbeatForms: Readonly<Record<string, RegExp>> = {
  'anthropic-messages': /^event: ping\ndata: \{"type":\s?"ping"\}\n\n$/,
  ollama: /^\{[^\n]*"content":""[^\n]*"done":false\}\n$/,
};

describe.each(registry.list('encoder').map((component) => [component.type, component] as const))(
  'the encoder %s',
  (type, component) => {
    const test = testRun();
    const encoder: Encoder = createInstance(component, {}, test.capabilities);
    const open = () => encoder.open({ run: test.run, request: say('hi'), created: 1_767_225_600 });

    it('has a parser of the same dialect', () => {
      expect(encoder.dialect).toBe(type);
      expect(registry.types('parser')).toContain(type);
    });

    /** Server-sent events end with a blank line; lines of JSON with their line end. */
    const frameEnd = encoder.streamType === undefined ? /\n\n$/ : /[^\n]\n$/;

    it('writes whole frames, and bytes only', () => {
      const stream = open();
      const block = { blockId: 'b0', role: 'assistant' } as const;
      const events: readonly AnswerEvent[] = [
        { type: 'stream.start', requestId: 'r', pipeline: 'p', dialect: type },
        { type: 'response.meta', responseId: 'a', model: 'm' },
        { type: 'block.start', kind: 'text', ...block },
        { type: 'text.delta', ...block, text: 'Grüße, 世界 \n\n😀' },
        { type: 'block.end', blockId: 'b0' },
        { type: 'finish', reason: { unified: 'stop' } },
        { type: 'usage', total: 3 },
      ];
      const frames = [...events.map((event) => stream.encode(event)), stream.end()].filter((text) => text !== '');
      expect(frames.length).toBeGreaterThan(1);
      for (const text of [...frames, stream.heartbeat]) {
        expect(text).toMatch(frameEnd);
        expect(text).toMatch(/^[\u0000-\u00ff]*$/);
      }
    });

    it('has a heartbeat that no client takes for an event', () => {
      expect(open().heartbeat).toMatch(heartbeatForms[type] ?? /^:[^\n]*\n\n$/);
    });

    it('has one end for success and another one for failure', () => {
      // In some formats the end of the connection is the terminator.
      if (open().end() !== '') expect(open().end()).toMatch(frameEnd);
      const failure = open().fail(new SluiceError('UPSTREAM_RESET'));
      expect(failure).toContain('UPSTREAM_RESET');
      expect(failure).toMatch(frameEnd);
      expect(failure).not.toMatch(/\[DONE\]|"ok"/);
    });

    it('has a document for an error, with its code and without its cause', () => {
      const error = new SluiceError('UPSTREAM_DNS', { cause: new Error('hidden'), context: { host: 'hidden' } });
      const { contentType, body } = encoder.encodeError(error, 'request-1');
      expect(contentType).toMatch(/^application\/(?:problem\+)?json/);
      expect(JSON.stringify(body)).toContain('UPSTREAM_DNS');
      expect(JSON.stringify(body)).not.toContain('hidden');
    });
  },
);
