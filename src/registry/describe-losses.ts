import { losses } from '../kernel/losses.ts';
import { table } from './markdown.ts';

/** `docs/losses.md`: every name of what a translation left out, by the alphabet. */
export function describeLosses(): string {
  const rows = Object.entries(losses)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, meaning]) => [`\`${name}\``, meaning]);
  return [
    '# Losses',
    '',
    '<!-- Made from src/kernel/losses.ts by `npm run generate`. -->',
    '',
    "What a format can't say is left out, and named: in the header `x-sluice-warnings` as `lost NAME`, as far as the head has",
    'not left, and in the field `lost` of the log line `run ended`. A name never changes its meaning. Settings have one name,',
    "whatever their format calls them. A field of the client's body that has no name here is `request.field.NAME`, such as",
    '`request.field.logit_bias`; characters that no header takes are `_` there. Which pair of formats loses what is measured in',
    '[translation.md](translation.md).',
    '',
    ...table(['Name', 'What it means'], rows),
    '',
  ].join('\n');
}
