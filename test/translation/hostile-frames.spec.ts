import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { maskStep } from '../support/bound-modifiers.ts';
import { bytesOfFrames, clientNames, playAnswer } from '../support/play-answer.ts';
import { providerNames, richAnswers, type ProviderFrame, type ProviderName } from '../support/rich-answers.ts';

/*
 * Every provider is hostile, in every format, towards every client: words that a mask is to hide stand in every place of
 * every frame, values have the wrong type, frames are missing, doubled or cut.
 */

type Path = readonly string[];
const leak = 'the secret plan';
const guard = (): ReturnType<typeof maskStep> => maskStep(['secret']);

function* placesIn(value: unknown, path: Path = []): Generator<Path> {
  yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const [name, inner] of Object.entries(value)) yield* placesIn(inner, [...path, name]);
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], value);
}

function changed(value: unknown, [name, ...rest]: Path, next: unknown): unknown {
  if (name === undefined) return next;
  const inner = changed((value as Record<string, unknown>)[name], rest, next);
  if (Array.isArray(value)) return (value as unknown[]).map((item, index) => (String(index) === name ? inner : item));
  return { ...(value as object), [name]: inner };
}

interface Place {
  readonly at: number;
  readonly frame: ProviderFrame;
  readonly path: Path;
}

function placesOf(provider: ProviderName): readonly Place[] {
  return richAnswers[provider].flatMap((frame, at) =>
    typeof frame.data === 'string' ? [] : [...placesIn(frame.data)].map((path) => ({ at, frame, path })),
  );
}

function withValue(provider: ProviderName, { at, frame, path }: Place, value: unknown): Buffer {
  const data = changed(frame.data, path, value);
  const given = { ...frame, data: typeof data === 'object' && data !== null ? (data as object) : JSON.stringify(data) };
  return bytesOfFrames(
    provider,
    richAnswers[provider].map((other, index) => (index === at ? (given as ProviderFrame) : other)),
  );
}

/**
 * What passes a mask unread: names and ids, proofs, what tools are given, and media. Everything else that a provider can
 * say is masked or withheld.
 */
const unread = new RegExp(
  [
    '(?:^|\\.)(?:id|call_id|responseId|toolUseId|tool_use_id|name|model|modelVersion|service_tier|system_fingerprint)$',
    '(?:signature|thoughtSignature|encrypted_content|redactedContent|content_block\\.data)$',
    '(?:arguments|partial_json|input)$|\\.(?:input|args|arguments|action|executableCode)(?:\\.|$)',
    '(?:image_url\\.url|audio\\.data|inlineData\\.data|fileUri|item\\.result|source\\.bytes|images(?:\\.\\d+)?)$',
  ].join('|'),
);
/** Deltas whose field does not say that it is an argument of a tool. */
const unreadFrames = /arguments\.delta$|call_code\.delta$/;

describe.each(providerNames)('a mask, and words of %s in any place', (provider) => {
  const places = placesOf(provider).filter(
    ({ frame, path }) => !unread.test(path.join('.')) && !(unreadFrames.test(frame.event) && path[0] === 'delta'),
  );

  it.each(clientNames)('hides them from a client of %s', (client) => {
    const seen: string[] = [];
    const look = (place: Place, value: unknown, name: string): void => {
      const bytes = withValue(provider, place, value);
      for (const stream of [true, false]) {
        const { text } = playAnswer(provider, client, bytes, { steps: [guard()], stream });
        if (/secret/i.test(text)) seen.push(`${place.frame.event} ${place.path.join('.')}${name}`);
      }
    };
    for (const place of places) {
      const value = valueAt(place.frame.data, place.path);
      if (place.path.length > 0) {
        look(place, leak, '');
        look(place, { zz: leak }, ' as an object');
        look(place, [leak], ' as a list');
      }
      if (Array.isArray(value)) look(place, [...(value as unknown[]), leak], '[+]');
      else if (typeof value === 'object' && value !== null) {
        look(place, { ...value, zz: leak }, '.+');
        look(place, { ...value, [leak]: 1 }, '.+key');
      }
    }
    expect(seen).toEqual([]);
  });
});

describe.each(providerNames)('an answer of %s', (provider) => {
  const frames = richAnswers[provider];
  const client = fc.constantFrom(...clientNames);
  const steps = fc.constantFrom([], [guard()]);

  it('with a value of any type in any place ends well, or with an error of ours', () => {
    const value = fc.oneof(
      fc.constantFrom(null, true, -1, 1e308, 0.5, '', 'x', [], {}, [null], [1], [[]], [{}], { a: {} }),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...placesOf(provider)),
        value,
        client,
        steps,
        fc.boolean(),
        (place, given, to, with_, stream) => {
          const { error, text } = playAnswer(provider, to, withValue(provider, place, given), { steps: with_, stream });
          expect(error?.code ?? 'ok').not.toMatch(/INTERNAL|EVENT_ORDER|MODIFIER/);
          expect(text).not.toBe('');
        },
      ),
      { numRuns: Math.max(150, fc.readConfigureGlobal()?.numRuns ?? 0) },
    );
  });

  it('with frames in any order, doubled or missing ends well, or with an error of ours', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(frames.length - 1), { maxLength: 40 }), client, steps, (order, to, with_) => {
        const bytes = bytesOfFrames(
          provider,
          order.flatMap((index) => frames[index] ?? []),
        );
        const { error } = playAnswer(provider, to, bytes, { steps: with_ });
        expect(error?.code ?? 'ok').not.toMatch(/INTERNAL|EVENT_ORDER|MODIFIER/);
      }),
      { numRuns: Math.max(150, fc.readConfigureGlobal()?.numRuns ?? 0) },
    );
  });

  /** What only a client has seen that was told of a good end. */
  const success = /\[DONE\]|event: (?:response\.(?:completed|incomplete)|message_stop)\n|"done":true|"outcome":"ok"/;
  /** The frame that says why it ended; a cut in front of it can't be a good end. */
  const reason = frames.findIndex(({ data }) =>
    /"(?:finish_reason":"|stop_reason":"|finishReason"|stopReason"|done":true)|response\.completed/.test(
      JSON.stringify(data),
    ),
  );

  it.each(clientNames)('that is cut before its reason, anywhere, never looks whole to a client of %s', (to) => {
    const ends = frames.slice(0, reason + 1).map((_, index) => bytesOfFrames(provider, frames.slice(0, index)).length);
    const whole = bytesOfFrames(provider, frames.slice(0, reason + 1));
    for (const cut of [...ends, ...ends.map((end) => end + 7), whole.length - 3]) {
      for (const stream of [true, false]) {
        const { error, text } = playAnswer(provider, to, whole.subarray(0, cut), { stream, steps: [guard()] });
        expect([cut, error?.code]).toEqual([cut, 'UPSTREAM_TRUNCATED']);
        expect(text).not.toMatch(success);
        if (to === 'gemini') expect(text).not.toContain('"finishReason"');
      }
    }
  });
});

it.each(clientNames)('a date that no calendar has is written somehow for a client of %s', (client) => {
  const [first, ...rest] = richAnswers['openai-chat'];
  const frames = [{ event: '', data: { ...Object(first?.data), created: 1e300 } }, ...rest];
  const bytes = bytesOfFrames('openai-chat', frames);
  for (const stream of [true, false])
    expect(playAnswer('openai-chat', client, bytes, { stream }).error).toBeUndefined();
});
