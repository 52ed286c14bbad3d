import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { plantProject, type PlantedProject } from './planted-project.ts';

/** Rule that must bite, the file that breaks it, what the file says, and what it needs beside it. */
const violations: readonly (readonly [rule: string, path: string, text: string])[] = [
  ['kernel-is-a-leaf', 'src/kernel/reaches-up.ts', "export * as up from '../compile/compile.ts';"],
  ['kernel-is-a-leaf', 'src/kernel/reaches-up-for-a-type.ts', "export type { Up } from '../compile/compile.ts';"],
  ['core-uses-no-packages', 'src/kernel/takes-ajv.ts', "export { Ajv2020 } from 'ajv/dist/2020.js';"],
  ['core-uses-no-packages', 'src/kernel/takes-rxjs.ts', "export { map } from 'rxjs';"],
  ['sockets-only-in-forward', 'src/kernel/opens-a-socket.ts', "export { connect } from 'node:net';"],
  ['components-know-only-the-kernel', 'src/modifiers/reaches-up.ts', "export * as up from '../compile/compile.ts';"],
  ['components-know-only-the-kernel', 'src/parsers/takes-a-sibling.ts', "export * as it from './fine.ts';"],
  [
    'components-know-only-the-kernel',
    'src/encoders/takes-a-parser.ts',
    "export type { It } from '../parsers/fine.ts';",
  ],
  [
    'components-know-only-the-kernel',
    'src/backends/takes-the-way-out.ts',
    "export * as out from '../forward/fine.ts';",
  ],
  ['core-uses-no-packages', 'src/tokens/takes-pino.ts', "export { pino } from 'pino';"],
  ['core-uses-no-packages', 'src/tokens/takes-the-signer.ts', "export { SignatureV4 } from '@smithy/signature-v4';"],
  [
    'core-uses-no-packages',
    'src/kernel/tokens/aws/takes-the-signer.ts',
    "export { SignatureV4 } from '@smithy/signature-v4';",
  ],
  ['core-uses-no-packages', 'src/kernel/tokens/oauth/takes-jose.ts', "export { SignJWT } from 'jose';"],
  ['core-uses-no-packages', 'src/tokens/takes-the-protocol.ts', "export { None } from 'oauth4webapi';"],
  ['core-uses-no-packages', 'src/backends/takes-the-codec.ts', "export { Int64 } from '@smithy/eventstream-codec';"],
  ['undici-only-in-forward', 'src/compile/takes-undici.ts', "export { Agent } from 'undici';"],
  ['undici-only-in-forward', 'src/http/takes-undici-later.ts', "export const later = () => import('undici');"],
  ['sockets-only-in-forward', 'src/compile/takes-https.ts', "export { request } from 'node:https';"],
  ['sockets-only-in-forward', 'src/definitions/takes-dns.ts', "export { lookup } from 'dns';"],
  ['no-other-http-client', 'src/forward/takes-axios.ts', "export { default } from 'axios';"],
  ['nest-stays-at-the-edge', 'src/compile/takes-nest.ts', "export { Injectable } from '@nestjs/common';"],
  ['nest-stays-at-the-edge', 'src/registry/takes-fastify.ts', "export type { FastifyReply } from 'fastify';"],
  ['no-rxjs-per-token', 'src/forward/takes-rxjs.ts', "export { map } from 'rxjs';"],
  ['product-imports-no-tests', 'src/compile/takes-a-test.ts', "export * as it from '../../test/support/fine.ts';"],
  ['product-imports-no-development-package', 'src/cli/takes-fast-check.ts', "export { assert } from 'fast-check';"],
  ['no-cycle', 'src/compile/left.ts', "import { right } from './right.ts';\nexport const left = (): unknown => right;"],
  ['no-index-file', 'src/compile/takes-an-index.ts', "export * as all from '../routing/index.ts';"],
  ['no-index-file-of-exports', 'src/routing/index.ts', "export * as rules from './rules.ts';"],
  ['resolvable', 'src/compile/takes-nothing.ts', "export { nothing } from './nothing.ts';"],
];

/** Files that the violations reach for, and files that keep every rule. */
const innocents: Readonly<Record<string, string>> = {
  'src/compile/compile.ts': 'export interface Up {}\n',
  'src/compile/right.ts': "import { left } from './left.ts';\nexport const right = (): unknown => left;",
  'src/routing/rules.ts': 'export const rules = 1;',
  'test/support/fine.ts': "export { assert } from 'fast-check';",
  'src/kernel/fine.ts':
    "import Type from 'typebox';\nimport { Buffer } from 'node:buffer';\nimport 'node:async_hooks';\nexport { Type, Buffer };",
  'src/parsers/fine.ts':
    "import type { Up } from '../kernel/up.ts';\nexport { Type } from 'typebox';\nexport type It = Up;",
  'src/kernel/up.ts': 'export interface Up {}\n',
  'src/backends/folder.ts': "export { part } from './folder/part.ts';",
  'src/backends/folder/part.ts': "export { fine as part } from './fine.ts';",
  'src/backends/folder/fine.ts': 'export const fine = 1;',
  'src/kernel/tokens/aws/sign-request.ts': "export { SignatureV4 } from '@smithy/signature-v4';",
  'src/kernel/tokens/oauth/sign-jwt.ts': "export { SignJWT } from 'jose';",
  'src/kernel/tokens/oauth/token-endpoint.ts': "export { None } from 'oauth4webapi';",
  'src/forward/codec.ts': "export { Int64 } from '@smithy/eventstream-codec';",
  'src/forward/fine.ts':
    "export { Agent } from 'undici';\nexport { BlockList } from 'node:net';\nexport * as kernel from '../kernel/fine.ts';",
  'src/http/fine.ts': "export { Injectable } from '@nestjs/common';\nexport type { ServerResponse } from 'node:http';",
  'src/compile/fine.ts': "export type { Socket } from 'node:net';\nexport { readFile } from 'node:fs/promises';",
};

interface Report {
  readonly summary: {
    readonly violations: readonly { readonly from: string; readonly rule: { readonly name: string } }[];
  };
}

describe('import directions', () => {
  let project: PlantedProject;
  let found: ReadonlySet<string>;

  beforeAll(async () => {
    project = plantProject({ ...innocents, ...Object.fromEntries(violations.map(([, path, text]) => [path, text])) });
    const script = 'dependency-cruiser/bin/dependency-cruiser.mjs';
    const output = await project.run(script, '--config', '.dependency-cruiser.mjs', '-T', 'json', 'src', 'test');
    const report = JSON.parse(output) as Report;
    found = new Set(report.summary.violations.map(({ from, rule }) => `${rule.name} ${from}`));
  });

  afterAll(() => project.remove());

  it.each(violations)('%s bites at %s', (rule, path) => {
    expect(found).toContain(`${rule} ${path}`);
  });

  it('leaves alone what keeps the rules', () => {
    const planted = new Set(violations.map(([, path]) => path).concat('src/compile/right.ts'));
    expect([...found].filter((finding) => !planted.has(finding.split(' ')[1] ?? ''))).toEqual([]);
  });
});
