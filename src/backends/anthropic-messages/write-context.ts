import { readCacheControl, writeCacheControl } from '../../kernel/dialects/anthropic-messages-fields.ts';
import { sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import type { MediaLimits } from '../../kernel/dialects/media.ts';
import type { CacheMark } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { CallIds } from './call-ids.ts';

/** What every part of one request is written with. */
export interface WriteContext {
  readonly run: Run;
  /** The dialect of the client. */
  readonly dialect: string;
  /** The client spoke this format: then it is told what it said, also where the API will refuse it. */
  readonly isOwn: boolean;
  readonly image: MediaLimits;
  readonly document: MediaLimits;
  readonly ids: CallIds;
}

const lifetimes: ReadonlySet<string> = new Set(['5m', '1h']);

/** The `cache_control` of a mark. `original` is what the client wrote, and holds as long as it says the same. */
export function writeCache(cache: CacheMark | undefined, original: unknown, context: WriteContext): JsonObject {
  if (original !== undefined && sameJson(readCacheControl(original), cache)) return { cache_control: original };
  if (cache === undefined) return {};
  const { ttl } = cache;
  if (context.isOwn || ttl === undefined || lifetimes.has(ttl)) return { cache_control: writeCacheControl(cache) };
  context.run.lose('request.cache');
  return { cache_control: writeCacheControl({}) };
}
