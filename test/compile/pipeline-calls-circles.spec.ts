import { rm } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { changeFolder } from '../e2e/folder-changes.ts';
import { scriptedBackend, type Sluice } from '../support/sluice.ts';
import { answerOf, ask, expectNothingLeft, recordsOf, start, telling, translate } from './called-pipelines.ts';

describe('a circle of calls', () => {
  const isDegraded = (sluice: Sluice, ...names: readonly string[]): boolean =>
    sluice.engine.pipelines().degraded.toSorted().join() === names.join();

  it('serves nobody, and is mended by an edit of any of its pipelines', async () => {
    const end = { backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) } };
    const sluice = await start({
      pipelines: { a: telling(translate('b')), b: telling(translate('c')), c: telling(translate('a')), other: end },
    });
    expect(sluice.engine.pipelines()).toEqual({ serving: ['other'], degraded: ['a', 'b', 'c'] });
    await changeFolder(
      sluice,
      () => sluice.save('c', end),
      () => isDegraded(sluice),
    );
    expect(sluice.engine.pipelines()).toEqual({
      serving: expect.arrayContaining(['a', 'b', 'c', 'other']),
      degraded: [],
    });
    expect(await answerOf(await ask(sluice, 'b'))).toBe('<The cat sleeps.> <The dog barks.>');
  });

  it('that an edit closes degrades all of its pipelines, and the last good ones go on', async () => {
    const end = { backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) } };
    const sluice = await start({ pipelines: { a: telling(translate('b')), b: end } });
    await changeFolder(
      sluice,
      () => sluice.save('b', telling(translate('a'))),
      () => isDegraded(sluice, 'a', 'b'),
    );
    expect(await answerOf(await ask(sluice, 'a'))).toBe('<The cat sleeps.> <The dog barks.>');
    await changeFolder(
      sluice,
      () => sluice.save('b', end),
      () => isDegraded(sluice),
    );
  });

  it('that no check has seen ends at its first step: an old definition may still be in it', async () => {
    const end = { backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) } };
    const sluice = await start({ pipelines: { a: telling(translate('b', { onFailure: 'fail' })), b: end } });
    await changeFolder(
      sluice,
      () => sluice.save('a', { backends: {} }),
      () => isDegraded(sluice, 'a'),
    );
    const revision = sluice.log.messages().filter((message) => message === 'pipeline serves').length;
    await changeFolder(
      sluice,
      () => sluice.save('b', telling(translate('a', { onFailure: 'fail' }))),
      () => sluice.log.messages().filter((message) => message === 'pipeline serves').length > revision,
    );
    await answerOf(await ask(sluice, 'a'));
    await expectNothingLeft(sluice);
    const reason = 'these pipelines call each other for ever: a -> b -> a';
    expect(recordsOf(sluice).find(({ pipeline }) => pipeline === 'b')).toMatchObject({
      code: 'DEFINITION_INVALID',
      reason,
    });
    // Two sentences of the story, and none of the calls calls again.
    expect(sluice.metric('streams_opened')).toBeLessThanOrEqual(3);
  });

  it('is told of a pipeline that is called and deleted, and forgotten when it comes back', async () => {
    const end = { backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) } };
    const sluice = await start({ pipelines: { a: telling(translate('b')), b: end } });
    await changeFolder(
      sluice,
      () => rm(`${sluice.folder}/b.json`),
      () => isDegraded(sluice, 'a'),
    );
    await changeFolder(
      sluice,
      () => sluice.save('b', end),
      () => isDegraded(sluice),
    );
    expect(await answerOf(await ask(sluice, 'a'))).toBe('<The cat sleeps.> <The dog barks.>');
  });
});
