import { tokenInvalid, tokenUnavailable } from '../token-failure.ts';
import type { TokenRun } from '../token-provider.ts';
import { knownRegion, type AwsAccess } from './aws-access.ts';
import { readRegion } from './aws-region.ts';
import { metadataText, openInstanceMetadata } from './instance-metadata.ts';
import { profileSettings } from './profile-keys.ts';

/** Not the zone less its last letter: zones outside of a region's own places have longer names. */
const regionPath = '/latest/meta-data/placement/region';

/**
 * The region that the process is in: that of its environment, of its profile, or of the instance on which it runs.
 * TOKEN_UNAVAILABLE where nobody tells one.
 */
export async function machineRegion(access: AwsAccess, run: Pick<TokenRun, 'signal'>): Promise<string> {
  const told = knownRegion(access) ?? readRegion(profileSettings(undefined, access)?.get('region'));
  if (told !== undefined) return told;
  const metadata = await openInstanceMetadata(access, run);
  if ('absent' in metadata) throw unknownRegion(metadata.absent);
  const answer = await metadata.ask(regionPath);
  if (answer.status === 404) throw unknownRegion('the instance tells none');
  const region = readRegion(metadataText(answer, access));
  if (region === undefined) throw tokenInvalid('the metadata service names no usable region');
  return region;
}

function unknownRegion(reason: string): Error {
  return tokenUnavailable(`no region of AWS is known: set AWS_REGION (instance: ${reason})`);
}
