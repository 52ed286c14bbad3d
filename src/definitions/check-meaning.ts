import { declarationProblems } from './check-parameter.ts';
import type { CheckSession } from './check-session.ts';
import { isCredentialLike, quote } from './diagnostic.ts';
import { appendPointer, isRecord } from './json-pointer.ts';
import type { ParameterDeclaration } from './pipeline-schema.ts';
import type { DocumentResolver } from './resolve-document.ts';
import type { PipelineParts } from './resolved-pipeline.ts';

/** Checks what no schema can say: names that must fit together, and parts that nothing uses. `name` is that of the file. */
export function checkMeaning(
  session: CheckSession,
  resolver: DocumentResolver,
  name: string,
  parts: PipelineParts,
): void {
  checkName(session, resolver, name);
  checkRouting(session, resolver);
  checkStepNames(session, resolver, 'processors');
  checkStepNames(session, resolver, 'modifiers');
  checkParameters(session, resolver);
  checkUnused(session, resolver, 'token-provider', 'tokenProviders');
  if (parts.defaultBackend !== undefined) checkUnused(session, resolver, 'backend', 'backends');
}

function checkName(session: CheckSession, { value, document }: DocumentResolver, name: string): void {
  const own = value['name'];
  if (typeof own !== 'string' || own === name) return;
  const shown = isCredentialLike(own) ? 'another one' : quote(own);
  session.report(document, 'name.mismatch', '/name', `the file is that of ${quote(name)}, the name is ${shown}`, {
    suggestion: name,
  });
}

function checkRouting(session: CheckSession, { value, document }: DocumentResolver): void {
  const { backends, routing } = value;
  if (routing !== undefined || !isRecord(backends) || Object.keys(backends).length < 2) return;
  const example = JSON.stringify({ default: { to: [Object.keys(backends)[0]] } });
  session.report(
    document,
    'routing.missing',
    '/backends',
    `with more than one backend the definition must say which one answers: "routing": ${example}`,
    {
      position: document.locator.key('/backends'),
      suggestion: `"routing": ${example}`,
    },
  );
}

/** Logs, metrics and tests tell steps by their names; a shared step has the name of its file. */
function checkStepNames(session: CheckSession, { value, document }: DocumentResolver, key: string): void {
  const steps = value[key];
  if (!Array.isArray(steps)) return;
  const seen = new Map<string, number>();
  for (const [index, step] of steps.entries()) {
    const { name } = typeof step === 'string' ? { name: step } : (Object(step) as { name?: unknown });
    if (typeof name !== 'string') continue;
    const first = seen.get(name);
    seen.set(name, first ?? index);
    if (first === undefined) continue;
    const pointer = appendPointer(`/${key}`, index) + (typeof step === 'string' ? '' : '/name');
    session.report(
      document,
      'name.duplicate',
      pointer,
      `two steps have the name ${quote(name)} (the first is /${key}/${first})`,
    );
  }
}

function checkParameters(session: CheckSession, resolver: DocumentResolver): void {
  const { params } = resolver.value;
  if (!isRecord(params)) return;
  for (const [name, declaration] of Object.entries(params)) {
    const pointer = appendPointer('/params', name);
    if (!resolver.isWellShaped(pointer)) continue;
    for (const { key, message } of declarationProblems(declaration as ParameterDeclaration)) {
      session.report(resolver.document, 'params.invalid', `${pointer}/${key}`, message);
    }
  }
}

/** A name that nobody refers to is more often a slip than a plan. */
function checkUnused(
  session: CheckSession,
  { value, document, referred }: DocumentResolver,
  kind: 'token-provider' | 'backend',
  key: string,
): void {
  const map = value[key];
  if (!isRecord(map)) return;
  for (const name of Object.keys(map)) {
    if (referred.has(`${kind}/${name}`)) continue;
    const pointer = appendPointer(`/${key}`, name);
    session.report(document, 'ref.unused', pointer, `nothing uses the ${kind} ${quote(name)}`, {
      severity: 'warning',
      position: document.locator.key(pointer),
    });
  }
}
