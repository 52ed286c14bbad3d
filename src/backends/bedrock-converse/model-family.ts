export const modelFamilies = ['anthropic', 'nova', 'openai', 'other'] as const;

/** Whose own parameters a model takes beside the common ones. */
export type ModelFamily = (typeof modelFamilies)[number];

/**
 * The family by the id of a model, with or without the prefix of a region, also inside an ARN. The ARN of an application
 * inference profile does not say it.
 */
export function familyOf(model: string): ModelFamily {
  const id = model.slice(model.lastIndexOf('/') + 1);
  const vendor = /(?:^|\.)(anthropic|amazon\.nova|openai)(?=[.-])/.exec(id)?.[1];
  if (vendor === 'anthropic' || vendor === 'openai') return vendor;
  return vendor === undefined ? 'other' : 'nova';
}
