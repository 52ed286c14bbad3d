import { probe, type ProbeRequest, type ProbeResponse } from '../support/probe-client.ts';
import { startSluice, type Sluice, type SluiceOptions } from '../support/sluice.ts';

/** As an operator makes one. */
export const adminKey = '5f0c1d9e7b3a48266c8f90ad13e7b254';

export interface AdminAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  json(): unknown;
}

/** An engine with the admin API, whose key is `adminKey`. */
export function startWithAdmin(options: Omit<SluiceOptions, 'clock'> = {}): Promise<Sluice> {
  const environment = { SLUICE_ADMIN_PORT: '0', SLUICE_ADMIN_KEY: adminKey, ...options.environment };
  return startSluice({ ...options, environment });
}

/** The port of the admin API. */
export function adminPort({ admin }: Pick<Sluice, 'admin'>): number {
  if (admin === undefined) throw new Error('there is no admin API');
  return Number(new URL(admin.origin).port);
}

/** Asks as an operator does, but for what `request` says otherwise; without `key` there is no Authorization. */
export async function askAdmin(
  sluice: Pick<Sluice, 'admin'>,
  path: string,
  { key = adminKey, headers = {}, ...request }: Omit<Partial<ProbeRequest>, 'path'> & { readonly key?: string } = {},
): Promise<AdminAnswer> {
  const port = adminPort(sluice);
  const client = await probe(
    { port },
    {
      path,
      headers: { host: `127.0.0.1:${port}`, ...(key !== '' && { authorization: `Bearer ${key}` }), ...headers },
      ...request,
    },
  );
  return answerOf(await client.response(), () => client.end());
}

/** Sends these bytes and reads what comes back. */
export async function sendToAdmin(sluice: Pick<Sluice, 'admin'>, lines: readonly string[]): Promise<AdminAnswer> {
  const client = await probe({ port: adminPort(sluice) }, { path: '/' }, { only: 0 });
  await client.write(`${lines.join('\r\n')}\r\n\r\n`);
  return answerOf(await client.response(), () => client.end());
}

async function answerOf(response: ProbeResponse, end: () => Promise<unknown>): Promise<AdminAnswer> {
  await end();
  const { status, headers } = response;
  return { status, headers, text: response.text, json: () => response.json() };
}
