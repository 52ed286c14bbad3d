import Type from 'typebox';
import { readTarget, targetFields } from '../kernel/dialects/backend-target.ts';
import { defineBackend, type Backend } from '../kernel/component.ts';
import type { ChatRequest } from '../kernel/request.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { decodeConverseBody } from './bedrock-converse/decode-body.ts';
import { encodeConverseRequest } from './bedrock-converse/encode-request.ts';
import { familyOf, modelFamilies } from './bedrock-converse/model-family.ts';
import { errorFromAnswer } from './bedrock-converse/provider-exception.ts';
import { ConverseStreamDecoder, type DecoderOptions } from './bedrock-converse/stream-decoder.ts';
import { wireName } from './bedrock-converse/wire-name.ts';

const fields = targetFields(
  'Address of the service in place of that of the region; /model/MODEL/converse is added to its path.',
  'https://bedrock-runtime.us-east-1.amazonaws.com',
);

const Guardrail = strictObject({
  identifier: Type.String({ minLength: 1, maxLength: 2048, description: 'Id or ARN of the guardrail.' }),
  version: defaulted(Type.String({ pattern: '^([1-9][0-9]{0,7}|DRAFT)$', description: 'Its version.' }), 'DRAFT'),
  trace: Type.Optional(
    Type.Enum(['enabled', 'disabled', 'enabled_full'], { description: 'Whether its verdicts come with the answer.' }),
  ),
  streamProcessingMode: Type.Optional(
    Type.Enum(['sync', 'async'], {
      description: 'sync holds the stream back until it is checked; async lets it pass and may come too late.',
    }),
  ),
});

const config = strictObject({
  region: Type.Optional(
    Type.String({
      pattern: '^[a-z]{2,4}(-[a-z]{1,16}){1,3}-[0-9]{1,2}$',
      'x-hint': 'the name of a region, such as "eu-central-1"',
      description: 'Region of the service; needed where there is no baseUrl.',
    }),
  ),
  baseUrl: Type.Optional(fields.baseUrl),
  model: { ...fields.model, maxLength: 2048, description: 'Id of a model or an inference profile, or its ARN.' },
  headers: fields.headers,
  family: defaulted(
    Type.Enum(['auto', ...modelFamilies], {
      description:
        'Whose own parameters the model takes: auto reads it from the id, which the ARN of an application inference profile does not say.',
    }),
    'auto',
  ),
  thinking: defaulted(
    Type.Enum(['budget', 'effort'], {
      description:
        'How reasoning is asked for from Anthropic models: as a budget of tokens, or as the effort of newer ones.',
    }),
    'budget',
  ),
  structuredOutput: defaulted(
    Type.Boolean({
      description: 'Sends JSON schemas for the answer and strict tools; false for models that refuse them.',
    }),
    true,
  ),
  guardrail: Type.Optional({
    ...Guardrail,
    description: 'A guardrail that the service applies. No client can change it.',
  }),
  additionalModelRequestFields: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      maxProperties: 64,
      description: "Parameters of the model that the format has no name for; a client's own go over them.",
    }),
  ),
});

/**
 * The Converse API of Amazon Bedrock. `create` throws a TypeError for an address, a header or a model that can't be used,
 * and where neither a region nor an address is given.
 */
export const bedrockConverseBackend = defineBackend({
  type: 'bedrock-converse',
  summary: 'Calls the Converse API of Amazon Bedrock, with any model that it serves.',
  config,
  needs: ['clock'],
  examples: [
    { title: 'A model in a region', config: { region: 'us-east-1', model: 'amazon.nova-2-lite-v1:0' } },
    {
      title: 'An inference profile with a guardrail',
      config: {
        region: 'eu-central-1',
        model: 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
        guardrail: { identifier: 'abc123def456', version: '3', streamProcessingMode: 'sync' },
      },
    },
    {
      title: 'A private endpoint and an ARN',
      config: {
        baseUrl: 'https://vpce-1a2b3c4d.bedrock-runtime.us-east-1.vpce.amazonaws.com',
        model: 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6',
        family: 'anthropic',
        additionalModelRequestFields: { anthropic_beta: ['context-1m-2025-08-07'] },
      },
    },
  ],
  create(options, { clock }): Backend {
    const { region, model: name, guardrail, additionalModelRequestFields: additional = {} } = options;
    if (name === '.' || name === '..') throw new TypeError('model is no id of a model');
    const target = {
      ...readTarget(options.baseUrl ?? addressOf(region), options.headers),
      model: name,
      family: options.family === 'auto' ? familyOf(name) : options.family,
      thinking: options.thinking,
      structuredOutput: options.structuredOutput,
      additional,
      guardrail: guardrail && {
        guardrailIdentifier: guardrail.identifier,
        guardrailVersion: guardrail.version,
        ...(guardrail.trace !== undefined && { trace: guardrail.trace }),
        ...(guardrail.streamProcessingMode !== undefined && { streamProcessingMode: guardrail.streamProcessingMode }),
      },
    };
    return {
      origin: target.origin,
      model: name,
      encode: (request, run) => encodeConverseRequest(request, target, run),
      decode: (request) => new ConverseStreamDecoder(decoderOptions(name, request)),
      decodeBody: (body, request) => decodeConverseBody(body, decoderOptions(name, request)),
      decodeError: (head, body) => errorFromAnswer(head, body, clock.wallTime()),
    };
  },
});

function addressOf(region: string | undefined): string {
  if (region === undefined) throw new TypeError('region or baseUrl is needed');
  return `https://bedrock-runtime.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
}

function decoderOptions(model: string, { tools }: ChatRequest): DecoderOptions {
  const changed = tools.map(({ name }) => [wireName(name), name] as const).filter(([sent, name]) => sent !== name);
  return { model, toolNames: new Map(changed) };
}
