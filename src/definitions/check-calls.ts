import { CheckSession, openDocument } from './check-session.ts';
import { quote } from './diagnostic.ts';
import { nearestName } from './nearest-name.ts';
import { DocumentResolver } from './resolve-document.ts';
import { resolveParts } from './resolve-parts.ts';
import { ResourceResolver } from './resolve-resource.ts';

/**
 * Checks the pipelines that components of this one call: each must be there, and no chain of calls may lead back, since
 * a run would then never end. Returns the names of the pipelines that the outcome depends on.
 */
export function checkCalls(session: CheckSession, name: string): readonly string[] {
  const { pipelines } = session.context;
  const known = new Map<string, readonly string[]>();
  const callsOf = (callee: string): readonly string[] => {
    const calls = known.get(callee) ?? readCalls(session, callee);
    known.set(callee, calls);
    return calls;
  };
  const called = new Set<string>();
  for (const { document, pointer, name: callee } of session.calls) {
    if (callee !== name) called.add(callee);
    if (callee !== name && !pipelines.has(callee)) {
      const meant = nearestName(
        callee,
        [...pipelines.keys()].filter((one) => one !== name),
      );
      const help = meant === undefined ? '' : `, did you mean ${quote(meant)}?`;
      session.report(document, 'ref.unknown', pointer, `there is no pipeline ${quote(callee)}${help}`, {
        suggestion: meant,
      });
      continue;
    }
    const way = wayBack(name, callee, callsOf);
    if (way !== undefined)
      session.report(document, 'call.cycle', pointer, `these pipelines call each other for ever: ${way.join(' -> ')}`);
  }
  return [...new Set([...called, ...known.keys()])];
}

/** The chain of calls from `callee` back to `name`, or undefined. */
function wayBack(
  name: string,
  callee: string,
  callsOf: (name: string) => readonly string[],
): readonly string[] | undefined {
  const seen = new Set<string>();
  const ways: (readonly string[])[] = [[name, callee]];
  for (let way = ways.shift(); way !== undefined; way = ways.shift()) {
    const last = way.at(-1) ?? '';
    if (last === name) return way;
    if (seen.has(last)) continue;
    seen.add(last);
    for (const next of callsOf(last)) ways.push([...way, next]);
  }
  return undefined;
}

/** The pipelines that another one calls, whatever else may be wrong with it. */
function readCalls({ context }: CheckSession, name: string): readonly string[] {
  const source = context.pipelines.get(name);
  if (source === undefined) return [];
  const session = new CheckSession(context);
  const document = openDocument(source, 'pipeline');
  resolveParts(new DocumentResolver(session, new ResourceResolver(session), document, 'pipeline'));
  return session.calls.map((call) => call.name);
}
