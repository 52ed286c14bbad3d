import type { Clock } from '../../clock.ts';
import { tokenUnavailable } from '../token-failure.ts';
import type { Credential } from '../token-provider.ts';
import type { AwsKeys } from './aws-keys.ts';
import { regionOfOrigin } from './aws-region.ts';
import { requestSigner } from './sign-request.ts';

/** One date, read at two times, gives monotonic times that differ by as much as the wall clock was set or drifted. */
const sameExpiryMilliseconds = 60_000;

interface Signing {
  readonly service: string;
  readonly clock: Clock;
  /** What the definition says. */
  readonly region: string | undefined;
  /** What the machine says, where the address of the request tells no region. */
  readonly usualRegion: () => string | undefined;
}

/** Makes credentials that sign: one object for the same keys, so that a run sees that what was refused is all there is. */
export function awsCredentials(signing: Signing): (keys: AwsKeys) => Credential {
  let last: { readonly keys: AwsKeys; readonly credential: Credential } | undefined;
  return (keys) => {
    if (last === undefined || !areSame(last.keys, keys)) last = { keys, credential: signingCredential(keys, signing) };
    return last.credential;
  };
}

function signingCredential(keys: AwsKeys, { service, clock, region, usualRegion }: Signing): Credential {
  const { expiresAt } = keys;
  const sign = requestSigner(keys, service, clock);
  return {
    origins: '*',
    ...(expiresAt !== undefined && { expiresAt }),
    apply(request) {
      const signingRegion = region ?? regionOfOrigin(request.origin) ?? usualRegion();
      if (signingRegion === undefined) throw tokenUnavailable('no region is known: set "region" or AWS_REGION');
      return sign(request, signingRegion);
    },
  };
}

function areSame(one: AwsKeys, other: AwsKeys): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken &&
    (one.expiresAt === other.expiresAt ||
      Math.abs((one.expiresAt ?? Number.POSITIVE_INFINITY) - (other.expiresAt ?? Number.POSITIVE_INFINITY)) <
        sameExpiryMilliseconds)
  );
}
