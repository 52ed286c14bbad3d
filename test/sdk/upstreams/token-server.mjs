import { once } from 'node:events';
import { createServer } from 'node:http';
import { text as readText } from 'node:stream/consumers';

const lifetimeSeconds = 3_600;
const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';

/**
 * Starts a token server on a free port of 127.0.0.1. It gives tokens to clients that prove who they are with a secret
 * (`clients`, by id), and exchanges tokens of the users it knows (`users`, names by token).
 *
 *   issue(name)      makes a token for somebody; it is called with the client's id, or with the user's name
 *   requests         what came and was understood: {client, subject}, of which `subject` is a user's token
 */
export async function startTokenServer({ clients, users, issue }) {
  const requests = [];
  const decide = async (request) => {
    const form = new URLSearchParams(await readText(request));
    const client = clientOf(request.headers.authorization);
    requests.push({ client: client?.id, subject: form.get('subject_token') ?? undefined });
    if (client === undefined || clients.get(client.id) !== client.secret)
      return refusal(401, 'invalid_client', `"${client?.secret}" is not the secret`);
    const type = form.get('grant_type');
    if (type === 'client_credentials') return grant(issue(client.id));
    if (type !== exchange || form.get('subject_token_type') !== accessToken)
      return refusal(400, 'unsupported_grant_type', 'no such grant');
    const user = users.get(form.get('subject_token'));
    if (user === undefined) return refusal(400, 'invalid_request', `"${form.get('subject_token')}" is nobody's`);
    return grant(issue(user), { issued_token_type: accessToken });
  };
  const server = createServer((request, response) => {
    decide(request)
      .then(({ status, document }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(document));
      })
      .catch((error) => response.destroy(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${server.address().port}/token`,
    requests,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** Id and secret are encoded as in a form before they are put together (RFC 6749, 2.3.1). */
function clientOf(authorization = '') {
  const [, encoded] = /^Basic (\S+)$/.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const [id, secret] = Buffer.from(encoded, 'base64').toString('utf8').split(':').map(decodeURIComponent);
  return { id, secret };
}

const grant = (token, more = {}) => ({
  status: 200,
  document: { access_token: token, token_type: 'Bearer', expires_in: lifetimeSeconds, ...more },
});
const refusal = (status, error, description) => ({ status, document: { error, error_description: description } });
