import type { FastifyRequest } from 'fastify';
import { SluiceError } from '../kernel/errors.ts';

/** The paths below `/pipelines/:name/` and the dialect that each of them speaks. */
export const chatRoutes = [
  { path: 'chat', method: 'POST', dialect: 'native' },
  { path: 'v1/chat/completions', method: 'POST', dialect: 'openai-chat' },
  { path: 'v1/responses', method: 'POST', dialect: 'openai-responses' },
  { path: 'v1/messages', method: 'POST', dialect: 'anthropic-messages' },
  { path: 'v1/models/:call', method: 'POST', dialect: 'gemini' },
  { path: 'v1beta/models/:call', method: 'POST', dialect: 'gemini' },
  { path: 'api/chat', method: 'POST', dialect: 'ollama' },
  { path: 'v1/models', method: 'GET', dialect: 'openai-chat' },
  { path: 'v1beta/models', method: 'GET', dialect: 'gemini' },
  { path: 'api/tags', method: 'GET', dialect: 'ollama' },
] as const;

type ChatRoute = (typeof chatRoutes)[number];

export interface MatchedRoute {
  /** As it stands in the path, decoded; not yet checked. */
  readonly pipeline: string;
  readonly dialect: string;
  readonly method: string;
}

const byPattern: ReadonlyMap<string | undefined, ChatRoute> = new Map(
  chatRoutes.map((route) => [`/pipelines/:name/${route.path}`, route]),
);
/** A client may send the whole URL in the place of the path. */
const origin = /^https?:\/\/[^/?#]*/i;
const pipelinePath = /^\/pipelines\/[^/?]*\/([^?]*)/;
/** A path whose pipeline can be read, whatever comes behind it. */
const readablePipeline = /^\/pipelines\/[a-z][a-z0-9-]{0,62}\//;
/** Who is meant by a path at which there is nothing; the first that matches. */
const dialectsOfPaths: readonly (readonly [RegExp, string])[] = [
  [/^v1beta(\/|$)|^v1\/models\/[^/]*:/, 'gemini'],
  [/^v1\/messages(\/|$)/, 'anthropic-messages'],
  [/^v1\/responses(\/|$)/, 'openai-responses'],
  [/^v1(\/|$)/, 'openai-chat'],
  [/^api(\/|$)/, 'ollama'],
];
/** Headers that only clients of one dialect send: they tell who asks on a path that several share. */
const dialectsOfHeaders = [
  ['anthropic-version', 'anthropic-messages'],
  ['x-goog-api-key', 'gemini'],
] as const;

/**
 * The chat route that the router chose. What is checked must be what is called, so the text of the URL, which can be
 * written in many ways, decides nothing here.
 */
export function routeOf(request: FastifyRequest): MatchedRoute | undefined {
  if (request.is404) return undefined;
  const route = byPattern.get(request.routeOptions.url);
  if (route === undefined) return undefined;
  const { name } = request.params as { readonly name?: string };
  const dialect = route.path === 'v1/models' ? dialectOfHeaders(request, route.dialect) : route.dialect;
  return { pipeline: name ?? '', dialect, method: route.method };
}

/** Why the router found nothing: there is no such path, a name in it can't be read, or it takes another method. */
export function notFound({ url, method }: Pick<FastifyRequest, 'url' | 'method'>, isUnreadable = false): SluiceError {
  const path = pathBelow(url);
  const route = chatRoutes.find((candidate) => matches(candidate.path, path));
  if (route === undefined) return new SluiceError('ROUTE_UNKNOWN');
  if (isUnreadable) return unreadableName(url);
  if (route.method === method) return new SluiceError('ROUTE_UNKNOWN');
  return new SluiceError('METHOD_NOT_ALLOWED', { details: { allowed: route.method, method } });
}

/** Behind the pipeline the path can only hold a model. */
function unreadableName(url: string): SluiceError {
  if (!readablePipeline.test(url.replace(origin, ''))) return new SluiceError('PIPELINE_NAME_INVALID');
  const details = { field: 'model', reason: 'the name in the path is too long, or its escapes are wrong' };
  return new SluiceError('REQUEST_INVALID', { details });
}

/** The dialect in which this request is answered, also where nothing is found. */
export function dialectOf(request: FastifyRequest): string {
  const route = routeOf(request);
  if (route !== undefined) return route.dialect;
  const path = pathBelow(request.url);
  const [, dialect = 'native'] = dialectsOfPaths.find(([pattern]) => pattern.test(path)) ?? [];
  return dialect === 'openai-chat' ? dialectOfHeaders(request, dialect) : dialect;
}

function dialectOfHeaders({ headers }: FastifyRequest, fallback: string): string {
  return dialectsOfHeaders.find(([name]) => headers[name] !== undefined)?.[1] ?? fallback;
}

/** What follows the name of the pipeline in the path, without the query. */
function pathBelow(url: string): string {
  return pipelinePath.exec(url.replace(origin, ''))?.[1] ?? '';
}

/** `:call` in a pattern stands for one segment. */
function matches(pattern: string, path: string): boolean {
  const parts = pattern.split('/');
  const segments = path.split('/');
  return (
    parts.length === segments.length && parts.every((part, index) => part.startsWith(':') || part === segments[index])
  );
}
