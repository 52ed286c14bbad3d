import type { ChatRequest } from './request.ts';
import type { Run } from './run.ts';

/**
 * Names what a request holds for another format than `dialect` and what therefore is not sent: fields of its body without
 * a unified name, and its metadata. Metadata of the native format is for the gateway itself.
 */
export function loseForeignFields(request: ChatRequest, dialect: string, run: Run): void {
  const { ext = {}, metadata } = request;
  for (const [name, fields] of Object.entries(ext)) {
    if (name === dialect) continue;
    for (const [field, value] of Object.entries(fields)) if (!saysNothing(value)) run.lose(`request.${field}`);
  }
  if (request.dialect !== dialect && request.dialect !== 'native' && Object.keys(metadata).length > 0)
    run.lose('request.metadata');
}

/** Names the cache marks of a request, for a backend that has no form for them. */
export function loseCacheMarks({ tools, messages }: ChatRequest, run: Run): void {
  const isMarked =
    tools.some(({ cache }) => cache !== undefined) ||
    messages.some(({ content }) => content.some(({ cache }) => cache !== undefined));
  if (isMarked) run.lose('request.cache');
}

/** What clients send for nothing at all. */
function saysNothing(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === '' ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  );
}
