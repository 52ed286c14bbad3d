import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createParser } from 'eventsource-parser';

const folder = new URL('../../../shared/fixtures/', import.meta.url);

export interface RecordedFrame {
  readonly event: string;
  readonly data: string;
}

export interface RecordedStream {
  /** Folder and file. */
  readonly name: string;
  readonly frames: readonly RecordedFrame[];
}

/** False where the recorded streams are not beside the project; tests then say so and skip. */
export const hasRecordedStreams = existsSync(folder);

/** The recorded streams of these providers, cut into frames by an independent parser. */
export function recordedStreams(providers: readonly string[]): readonly RecordedStream[] {
  if (!hasRecordedStreams) return [];
  return providers.flatMap((provider) =>
    readdirSync(new URL(`${provider}/`, folder))
      .filter((file) => file.endsWith('.sse') || file.endsWith('.chunks.txt'))
      .map((file) => ({ name: `${provider}/${file}`, frames: readFrames(new URL(`${provider}/${file}`, folder)) })),
  );
}

function readFrames(file: URL): readonly RecordedFrame[] {
  const text = readFileSync(file, 'utf8');
  if (!file.pathname.endsWith('.sse')) {
    const lines = text.split('\n').filter((line) => line !== '');
    return [...lines, '[DONE]'].map((data) => ({ event: '', data }));
  }
  const frames: RecordedFrame[] = [];
  const parser = createParser({ onEvent: ({ event, data }) => frames.push({ event: event ?? '', data }) });
  parser.feed(text);
  return frames;
}
