import { isObject } from '../json/json-value.ts';
import type { ContentBlock } from '../request.ts';

/**
 * True for an image that its client wants to be looked at more or less closely than usual. OpenAI's formats have a word
 * for that, on the part or a level below; others can't say it (`request.image_detail`).
 */
export function asksForDetail({ ext = {} }: ContentBlock): boolean {
  return Object.values(ext).some((fields) =>
    [fields, ...Object.values(fields)].some((level) => {
      const detail = isObject(level) ? level['detail'] : undefined;
      return typeof detail === 'string' && detail !== 'auto';
    }),
  );
}
