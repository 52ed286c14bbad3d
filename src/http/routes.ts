import type { FastifyRequest } from 'fastify';
import { SluiceError } from '../kernel/errors.ts';

/** The paths below `/pipelines/:name/` and the dialect that each of them speaks. */
export const chatRoutes = [
  { path: 'chat', method: 'POST', dialect: 'native' },
  { path: 'v1/chat/completions', method: 'POST', dialect: 'openai-chat' },
  { path: 'v1/models', method: 'GET', dialect: 'openai-chat' },
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
const openAiPath = /^\/pipelines\/[^/?]*\/v1(\/|$|\?)/;

/**
 * The chat route that the router chose. What is checked must be what is called, so the text of the URL, which can be
 * written in many ways, decides nothing here.
 */
export function routeOf(request: FastifyRequest): MatchedRoute | undefined {
  if (request.is404) return undefined;
  const route = byPattern.get(request.routeOptions.url);
  if (route === undefined) return undefined;
  const { name } = request.params as { readonly name?: string };
  return { pipeline: name ?? '', dialect: route.dialect, method: route.method };
}

/** Why the router found nothing: there is no such path, its name can't be read, or it takes another method. */
export function notFound({ url, method }: Pick<FastifyRequest, 'url' | 'method'>, isUnreadable = false): SluiceError {
  const match = pipelinePath.exec(url.replace(origin, ''));
  const route = chatRoutes.find(({ path }) => path === match?.[1]);
  if (route === undefined) return new SluiceError('ROUTE_UNKNOWN');
  if (isUnreadable) return new SluiceError('PIPELINE_NAME_INVALID');
  if (route.method === method) return new SluiceError('ROUTE_UNKNOWN');
  return new SluiceError('METHOD_NOT_ALLOWED', { details: { allowed: route.method, method } });
}

/** The dialect in which an error for this request is written, also where nothing is found. */
export function dialectOf(request: FastifyRequest): string {
  return routeOf(request)?.dialect ?? (openAiPath.test(request.url.replace(origin, '')) ? 'openai-chat' : 'native');
}
