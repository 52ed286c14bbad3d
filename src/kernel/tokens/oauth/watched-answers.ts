import type { HttpCaller } from '../../http-caller.ts';
import { parseObject } from '../token-document.ts';

/**
 * The same way out, with a look at each JSON object that a token server gives with success, before anybody judges it:
 * an answer that is no use as a whole may hold a part which must not be lost.
 */
export function watchedAnswers(http: HttpCaller, see: (document: Record<string, unknown>) => void): HttpCaller {
  return {
    async call(request, run) {
      const answer = await http.call(request, run);
      const document = answer.status >= 200 && answer.status < 300 ? parseObject(answer.body) : undefined;
      if (document !== undefined) see(document);
      return answer;
    },
  };
}
