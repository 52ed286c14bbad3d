import { SluiceError } from '../../errors.ts';
import type { HttpAnswer } from '../../http-caller.ts';
import { usable } from '../token-credential.ts';
import { readTokenDocument } from '../token-document.ts';
import { tokenInvalid } from '../token-failure.ts';
import { askedAt } from '../token-lifetime.ts';
import type { TokenRun } from '../token-provider.ts';
import { askAws, networkOf, readKeysDocument, type AwsAccess } from './aws-access.ts';
import type { FoundKeys, KeySource } from './aws-keys.ts';

const usualAddress = 'http://169.254.169.254';
const sessionPath = '/latest/api/token';
const rolesPath = '/latest/meta-data/iam/security-credentials/';
/** A session is opened for one look at the keys. */
const sessionSeconds = 60;
const roleName = /^[\w+=,.@-]{1,128}$/;
/** Switched off, or version 1 alone, which is not used: it gives keys to whoever gets the machine to send a GET. */
const closedStatuses: ReadonlySet<number> = new Set([403, 404, 405]);

/**
 * The keys of the role of an EC2 instance, by version 2 of its metadata service. Its answer makes a limited number of
 * hops: from within a container it arrives only where the limit of the instance is 2 or more.
 */
export function instanceKeys(access: AwsAccess): KeySource {
  return {
    name: 'instance',
    find(run) {
      if (access.workload.variable('AWS_EC2_METADATA_DISABLED')?.toLowerCase() === 'true')
        return { absent: 'AWS_EC2_METADATA_DISABLED is set' };
      return findKeys(access, run);
    },
  };
}

async function findKeys(access: AwsAccess, run: Pick<TokenRun, 'signal'>): Promise<FoundKeys> {
  const base = (access.metadataUrl ?? usualAddress).replace(/\/+$/, '');
  const network = networkOf(base, access.network);
  const ask = (method: 'GET' | 'PUT', path: string, headers: Record<string, string>): Promise<HttpAnswer> =>
    askAws({ method, url: base + path, headers, network }, access, run);
  const opened = await openSession(ask, run);
  if (typeof opened === 'string') return { absent: opened };
  if (closedStatuses.has(opened.status))
    return { absent: `the metadata service opens no session (status ${opened.status})` };
  const headers = { 'x-aws-ec2-metadata-token': usable(textOf(opened)) };
  const roles = await ask('GET', rolesPath, headers);
  if (roles.status === 404) return { absent: 'the instance has no role' };
  const [role = ''] = textOf(roles).split('\n', 1);
  if (!roleName.test(role.trim())) throw tokenInvalid('the metadata service names no usable role');
  const asked = askedAt(access.clock);
  return readKeysDocument(await ask('GET', rolesPath + role.trim(), headers), asked);
}

/** The answer, or why there is none: where nothing answers there is no such service. */
async function openSession(
  ask: (method: 'PUT', path: string, headers: Record<string, string>) => Promise<HttpAnswer>,
  run: Pick<TokenRun, 'signal'>,
): Promise<HttpAnswer | string> {
  try {
    return await ask('PUT', sessionPath, { 'x-aws-ec2-metadata-token-ttl-seconds': String(sessionSeconds) });
  } catch (error) {
    if (run.signal.aborted || !(error instanceof SluiceError) || error.code !== 'TOKEN_UNAVAILABLE') throw error;
    return `the metadata service does not answer (${String(error.context['reason'])})`;
  }
}

function textOf(answer: HttpAnswer): string {
  if (answer.status < 200 || answer.status >= 300) readTokenDocument(answer);
  return answer.body.trim();
}
