import { createServer } from 'node:http';
import { wireBytes } from './framing.mjs';

const maximumRequestBytes = 1024 * 1024;
const longestPiece = 1_500;

/** What a client says so that the upstream knows which recording is meant. */
export const promptFor = ({ file }) => `Replay <${file}> please.`;

/** Serves recordings to whoever asks for one in the words of `promptFor`, whatever the format of the request. */
export async function startReplayUpstream(recordings) {
  const byFile = new Map(recordings.map((recording) => [recording.file, recording]));
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (piece) => (body = (body + piece).slice(0, maximumRequestBytes)));
    request.on('end', () => {
      const recording = byFile.get(/Replay <([^>]+)>/.exec(body)?.[1]);
      if (recording === undefined) response.writeHead(501).end();
      else serve(recording, response);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}

function serve(recording, response) {
  const { bytes, contentType = recording.contentType } = wireBytes(recording);
  response.writeHead(recording.status, { 'content-type': contentType });
  if (recording.isError) {
    response.end(bytes);
    return;
  }
  writePieces(response, bytes, seedOf(recording.file));
}

/** Writes in pieces that know nothing of frames and characters; the same ones in each run. */
function writePieces(response, bytes, seed) {
  if (response.destroyed) return;
  const next = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
  const length = 1 + ((next >>> 8) % longestPiece);
  if (bytes.length <= length) {
    response.end(bytes);
    return;
  }
  response.write(bytes.subarray(0, length));
  setImmediate(() => writePieces(response, bytes.subarray(length), next));
}

function seedOf(text) {
  return [...text].reduce((hash, character) => (Math.imul(hash, 31) + character.codePointAt(0)) >>> 0, 7);
}
