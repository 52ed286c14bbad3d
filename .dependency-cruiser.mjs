/*
 * The import directions of docs/concepts: kernel <- components and forward <- compile <- http. Each rule has a planted
 * violation in test/tooling/import-directions.spec.ts, so a rule that no longer bites is seen.
 */
const componentFolders = 'parsers|processors|routing|backends|tokens|modifiers|encoders';
/** The files of the kernel that have a library each for what is not written by hand: signatures, and the protocol of tokens. */
const signingForAws = '^src/kernel/tokens/aws/sign-request\\.ts$';
const oauth = '^src/kernel/tokens/oauth/(token-endpoint|client-authentication|sign-jwt|private-key)\\.ts$';
const networkModules = '^(node:)?(http|https|http2|net|tls|dgram|dns|dns/promises)$';
const httpClients =
  '^(axios|got|ky|needle|node-fetch|cross-fetch|isomorphic-fetch|request|superagent|phin|wretch|openai|ws)$';

/** A rule against imports of packages or modules by name, installed or not. */
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** Matches a package by its resolved path or, where it isn't installed, by its bare name. */
const packages = (names) => `(^|/)node_modules/(${names})/|^(${names})(/|$)`;

const frameworks = packages('@nestjs/[^/]+|fastify|@fastify/[^/]+|reflect-metadata');

export default {
  forbidden: [
    rule(
      'kernel-is-a-leaf',
      'The kernel imports the kernel.',
      { path: '^src/kernel/' },
      { path: '^src/', pathNot: '^src/kernel/' },
    ),
    rule(
      'components-know-only-the-kernel',
      'A component is one file; its parts may live in a folder of the same name beside it.',
      { path: `^src/(${componentFolders})/([^/.]+)` },
      { path: '^src/', pathNot: ['^src/kernel/', '^src/$1/$2(/|\\.ts$)'] },
    ),
    rule(
      'core-uses-no-packages',
      'The components use typebox; what else they need is a capability that the process offers.',
      { path: `^src/(${componentFolders})/` },
      { path: '(^|/)node_modules/', pathNot: packages('typebox') },
    ),
    rule(
      'core-uses-no-packages',
      'The kernel uses typebox, and reads and runs regular expressions of authors with a library each.',
      { path: '^src/kernel/', pathNot: [signingForAws, oauth] },
      { path: '(^|/)node_modules/', pathNot: packages('typebox|re2js|@eslint-community/regexpp') },
    ),
    rule(
      'core-uses-no-packages',
      'Signing for AWS comes from a library; it opens no connection.',
      { path: signingForAws },
      { path: '(^|/)node_modules/', pathNot: packages('@smithy/signature-v4') },
    ),
    rule(
      'core-uses-no-packages',
      'Tokens are asked for and signed with libraries that open no connection.',
      { path: oauth },
      { path: '(^|/)node_modules/', pathNot: packages('typebox|oauth4webapi|jose') },
    ),
    rule(
      'undici-only-in-forward',
      'src/forward is the only way out: it guards addresses, redirects, bytes and time.',
      { path: '^src/', pathNot: '^src/forward/' },
      { path: packages('undici') },
    ),
    rule(
      'sockets-only-in-forward',
      'Nothing but src/forward opens a connection. Types are free; the listener belongs to src/http.',
      { path: '^src/', pathNot: '^src/(forward|http)/|^src/(server|main)\\.ts$' },
      { path: networkModules, dependencyTypes: ['core'], dependencyTypesNot: ['type-only'] },
    ),
    rule(
      'no-other-http-client',
      'Egress is undici in src/forward.',
      { path: '^src/' },
      { path: packages(httpClients.slice(2, -2)) },
    ),
    rule(
      'nest-stays-at-the-edge',
      'A pipeline is built and tested without a framework.',
      { path: '^src/', pathNot: '^src/(http|admin|observability)/|^src/(app\\.module|server|main)\\.ts$' },
      { path: frameworks },
    ),
    rule(
      'no-rxjs-per-token',
      'RxJS is for the control plane.',
      { path: `^src/(kernel|forward|${componentFolders})/` },
      { path: packages('rxjs') },
    ),
    rule(
      'product-imports-no-tests',
      'src stands alone.',
      { path: '^src/' },
      { path: '^(test|bench|examples|scripts)/' },
    ),
    rule(
      'product-imports-no-development-package',
      'A package that is imported at run time belongs to dependencies.',
      { path: '^src/' },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    ),
    rule('no-cycle', 'Two files that need each other are one file, or miss a third.', {}, { circular: true }),
    rule('no-index-file', 'Import the file itself.', {}, { path: '/index[.][cm]?[jt]s$', pathNot: 'node_modules' }),
    rule(
      'no-index-file-of-exports',
      'Import the file itself.',
      { path: '/index[.][cm]?[jt]s$', pathNot: 'node_modules' },
      {},
    ),
    rule('resolvable', 'Every import must exist.', { path: '^(src|test|bench)/' }, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|test/sdk)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
