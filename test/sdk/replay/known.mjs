/*
 * Failures whose cause is known and is not in the product. Each applies to what fails in the same way; `example` is a
 * recording that must still fail so, or the entry is out of date.
 */
export const knownFailures = [
  {
    client: 'openai responses',
    error: /Unhandled response stream event/,
    example: 'openai-responses/vai-openai-apply-patch-tool-1.chunks.txt',
    reason:
      'The official client refuses an event type that OpenAI sends and that it does not know; it fails in the same way when it reads the recording without Sluice. Sluice passes unknown events on to clients of the same format, for those that know them.',
  },
];

/** The entry that explains a failure, or undefined. */
export function knownReason({ client, got }) {
  return knownFailures.find((known) => known.client === client && known.error.test(String(got)));
}
