import { expect, it } from '@jest/globals';
import { viewTokenProviders } from '../../src/compile/token-view.ts';
import { resolvedMark, type ResolvedTokenProvider } from '../../src/definitions/resolved-pipeline.ts';
import { staticTokenProvider } from '../../src/tokens/static.ts';
import { compiledBackend, compiledPipeline } from '../support/compiled-pipeline.ts';
import { fakeToken } from '../support/fake-token.ts';
import { testRun } from '../support/test-run.ts';

const tokenDefinition: ResolvedTokenProvider = {
  [resolvedMark]: true,
  kind: 'token-provider',
  name: 'keys',
  type: 'static',
  component: staticTokenProvider,
  config: {},
  file: 'a.json',
  pointer: '',
};

it('shows no query of an address', () => {
  const { link: token } = fakeToken(['key'], testRun());
  const config = {
    url: 'https://a.example/token?code=canary#canary',
    form: { text: 'is this it? yes', more: ['http://a.example:1/?canary'], odd: 'https://?canary' },
    other: 'https://a.example/b',
  };
  const one = compiledBackend({ name: 'one', token, tokenDefinition: { ...tokenDefinition, config } });
  const [view] = viewTokenProviders([compiledPipeline({ name: 'a', backends: new Map([['one', one]]) })]);
  expect(view?.definition).toEqual({
    url: 'https://a.example/token?[hidden]',
    form: { text: 'is this it? yes', more: ['http://a.example:1/?[hidden]'], odd: 'https://?[hidden]' },
    other: 'https://a.example/b',
  });
});

it('who uses a token provider is told in the order of the names, however pipelines were loaded', () => {
  const { link: token } = fakeToken(['key'], testRun());
  const pipelines = ['b', 'c', 'a'].map((name) => {
    const [one, two] = ['two', 'one'].map((backend) => compiledBackend({ name: backend, token, tokenDefinition }));
    const backends = new Map([one, two].flatMap((each) => (each === undefined ? [] : [[each.name, each]])));
    return compiledPipeline({ name, backends });
  });
  const [view, ...others] = viewTokenProviders(pipelines);
  expect(others).toEqual([]);
  expect(view?.usedBy.map(({ pipeline, backend }) => `${pipeline} ${backend}`)).toEqual([
    'a one',
    'a two',
    'b one',
    'b two',
    'c one',
    'c two',
  ]);
});
