import { readDirectly } from './direct/read-directly.mjs';
import { wireBytes } from './framing.mjs';

/** The streams again, each ended cleanly behind the event in its middle, where it is no whole answer there. */
export function cutStreams(recordings) {
  return recordings
    .filter(({ isError }) => !isError)
    .map(cutInTheMiddle)
    .filter((cut) => readDirectly(cut).outcome === 'truncated');
}

function cutInTheMiddle(recording) {
  const { bytes, contentType = recording.contentType } = wireBytes(recording);
  const ends = eventEnds(bytes, contentType);
  const wire = { bytes: bytes.subarray(0, ends[Math.floor(ends.length / 2) - 1] ?? 0), contentType };
  return { ...recording, file: `${recording.file} (cut)`, row: 'cut in the middle', wire };
}

function eventEnds(bytes, contentType) {
  if (contentType.includes('eventstream')) return messageEnds(bytes);
  const gap = contentType.includes('ndjson') ? /\n/g : /\r\n\r\n|\n\n/g;
  return [...bytes.toString('latin1').matchAll(gap)].map(({ 0: end, index }) => index + end.length);
}

function messageEnds(bytes) {
  const ends = [];
  for (let at = 0; at < bytes.length; ends.push(at)) at += bytes.readUInt32BE(at);
  return ends;
}
