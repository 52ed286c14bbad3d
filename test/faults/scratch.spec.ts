import { afterEach, it } from '@jest/globals';
import { openStage, closeStages } from './stage.ts';
afterEach(closeStages);
it('x', async () => {
  const stage = await openStage({});
  for (const [method, path] of [['QUERY','/pipelines/support/chat'],['MKCOL','/pipelines/support/chat'],['TRACE','/pipelines/support/chat'],['PROPFIND','/x'],['GET','/%zz'],['GET','/pipelines/%zz/chat'], ['CONNECT','/pipelines/support/chat'],['M-SEARCH','/pipelines/support/chat'],['GET','http://evil/pipelines/support/v1/models'],['GET','*']]) {
    const c = await stage.send({method, path},'native'); await c.end();
    console.log(method, path, c.received.toString());
  }
});
