// An EventSource with a POST request. Every event of the native format has its type as event name and JSON as data.
import { EventSource } from 'eventsource';

const url = process.env.BASE_URL ?? 'http://127.0.0.1:8787';
const question = process.argv[2] ?? 'What is in the vault?';

const source = new EventSource(`${url}/pipelines/demo/chat`, {
  fetch: (address, init) =>
    fetch(address, {
      ...init,
      method: 'POST',
      headers: { ...init.headers, 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: question }] }),
    }),
});

source.addEventListener('text.delta', (event) => process.stdout.write(JSON.parse(event.data).text));

// The name `error` is used twice: our own event has data, a broken or refused connection has none.
source.addEventListener('error', (event) => {
  console.error(event.data === undefined ? event.message : JSON.parse(event.data).message);
  process.exitCode = 1;
  source.close();
});

// Without this the EventSource would ask again: for it, the end of a stream is a lost connection.
source.addEventListener('stream.end', () => {
  process.stdout.write('\n');
  source.close();
});
