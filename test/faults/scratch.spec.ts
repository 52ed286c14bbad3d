import { afterEach, it } from '@jest/globals';
import { streaming } from '../support/scenario.ts';
import { answerFrames } from '../support/openai-stream.ts';
import { openStage, closeStages } from './stage.ts';
import { forms, seenBy } from './seen.ts';
afterEach(closeStages);
for (const form of forms) it(form, async () => {
  const stage = await openStage({ upstream: streaming(answerFrames({text:['a','b','c']})) });
  const c = await stage.ask(form);
  console.log(await seenBy(c, form), (await c.response()).text, stage.ended().map(l=>l.fields));
});
