import Type from 'typebox';
import { defaulted, Duration, pipelineName, secret, strictObject } from '../schema.ts';

const optional = Type.Optional;

/** What is judged at a time. */
export const SegmentWindow = Type.Union(
  [
    Type.Literal('sentence'),
    strictObject(
      {
        characters: optional(Type.Integer({ minimum: 2, maximum: 32_768, description: 'Length of a piece.' })),
        time: optional({
          ...Duration,
          description: 'A piece is what came in that time; it depends on the speed of the answer.',
        }),
        overlap: optional(
          Type.Integer({
            minimum: 0,
            maximum: 4_096,
            description: 'Characters in front of a piece that are judged again with it.',
          }),
        ),
      },
      { minProperties: 1 },
    ),
  ],
  { description: 'What is judged at a time: sentence, {"characters": 400, "overlap": 40} or {"time": "1s"}.' },
);

/** Who judges: exactly one of `url` and `pipeline` is to be there. */
export const ModerationCheck = strictObject(
  {
    url: optional(
      Type.String({
        pattern: '^https?://\\S+$',
        maxLength: 2048,
        description: 'Address of a service. This or `pipeline`.',
      }),
    ),
    format: defaulted(
      Type.Enum(['openai', 'webhook'], {
        description:
          'openai: what OpenAI\'s moderations endpoint takes and says. webhook: gets {"text", "context": {"pipeline", "run", ' +
          '"channel"}} and answers {"flagged": true} or {"action": "block"}, with a "reason" if it likes.',
      }),
      'openai',
    ),
    model: optional(Type.String({ minLength: 1, maxLength: 128, description: 'Model of the moderations endpoint.' })),
    token: optional(secret({ description: 'Sent to the service as a bearer token.' })),
    thresholds: optional(
      Type.Record(Type.String({ maxLength: 64 }), Type.Number({ minimum: 0, maximum: 1 }), {
        description:
          'Scores from which a category is flagged, in place of the judgement of the service: {"violence": 0.7}.',
      }),
    ),
    network: defaulted(Type.Enum(['public', 'private'], { description: 'Where the service may be.' }), 'public'),
    pipeline: optional(
      pipelineName({ description: 'A pipeline that judges the text, which is the one message it gets.' }),
    ),
    system: optional(Type.String({ maxLength: 16_384, description: 'Instruction for the pipeline.' })),
    flaggedWhen: optional(
      Type.Union(
        [
          Type.String({ minLength: 1, maxLength: 256 }),
          strictObject({
            field: Type.String({ minLength: 1, maxLength: 64 }),
            equals: optional(Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
          }),
        ],
        {
          description:
            'Answer of the pipeline that flags the text: the whole of it, upper or lower case, or a field of a JSON answer ' +
            'and its value. {"field": "flagged", "equals": true} when left out.',
        },
      ),
    ),
    passesWhen: optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description:
          'Whole answer of the pipeline that lets the text pass; any answer that is neither is then a failure.',
      }),
    ),
    timeout: defaulted({ ...Duration, description: 'For one check.' }, '5s'),
  },
  { description: 'Who judges the text: a service or another pipeline.' },
);
