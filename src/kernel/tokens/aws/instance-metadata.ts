import { SluiceError } from '../../errors.ts';
import type { HttpAnswer, HttpCall } from '../../http-caller.ts';
import { usable } from '../token-credential.ts';
import { readTokenDocument } from '../token-document.ts';
import type { TokenRun } from '../token-provider.ts';
import { askAws, networkOf, type AwsAccess } from './aws-access.ts';

const usualAddress = 'http://169.254.169.254';
const sessionPath = '/latest/api/token';
/** A session is opened for one look. */
const sessionSeconds = 60;
/** Switched off, or version 1 alone, which is not used: it gives keys to whoever gets the machine to send a GET. */
const closedStatuses: ReadonlySet<number> = new Set([403, 404, 405]);

/** An open session with the metadata service of an EC2 instance. */
export interface InstanceMetadata {
  /** Any status is an answer. */
  ask(path: string): Promise<HttpAnswer>;
}

/** Why there is no such service, in a few fixed words. */
export interface NoMetadata {
  readonly absent: string;
}

type Run = Pick<TokenRun, 'signal'>;

/**
 * Opens a session with version 2 of the metadata service. Its answer makes a limited number of hops: from within a container
 * it arrives only where the limit of the instance is 2 or more.
 */
export function openInstanceMetadata(access: AwsAccess, run: Run): NoMetadata | Promise<InstanceMetadata | NoMetadata> {
  if (access.workload.variable('AWS_EC2_METADATA_DISABLED')?.toLowerCase() === 'true')
    return { absent: 'AWS_EC2_METADATA_DISABLED is set' };
  return openSession(access, run);
}

async function openSession(access: AwsAccess, run: Run): Promise<InstanceMetadata | NoMetadata> {
  const base = (access.metadataUrl ?? access.instanceUrl ?? usualAddress).replace(/\/+$/, '');
  const network = networkOf(base, access.network);
  const call = (method: HttpCall['method'], path: string, headers: HttpCall['headers']): Promise<HttpAnswer> =>
    askAws({ method, url: base + path, headers, network }, access, run);
  const opened = await reached(
    () => call('PUT', sessionPath, { 'x-aws-ec2-metadata-token-ttl-seconds': String(sessionSeconds) }),
    run,
  );
  if ('absent' in opened) return opened;
  if (closedStatuses.has(opened.status))
    return { absent: `the metadata service opens no session (status ${opened.status})` };
  const headers = { 'x-aws-ec2-metadata-token': usable(metadataText(opened, access)) };
  return { ask: (path) => call('GET', path, headers) };
}

/** The answer, or why there is none: where nothing answers there is no such service. */
async function reached(call: () => Promise<HttpAnswer>, run: Run): Promise<HttpAnswer | NoMetadata> {
  try {
    return await call();
  } catch (error) {
    if (run.signal.aborted || !(error instanceof SluiceError) || error.code !== 'TOKEN_UNAVAILABLE') throw error;
    return { absent: `the metadata service does not answer (${String(error.context['reason'])})` };
  }
}

/** The text of an answer; fails where it is a refusal. */
export function metadataText(answer: HttpAnswer, { clock }: Pick<AwsAccess, 'clock'>): string {
  if (answer.status < 200 || answer.status >= 300) readTokenDocument(answer, clock.wallTime());
  return answer.body.trim();
}
