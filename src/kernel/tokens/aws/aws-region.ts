import { tokenUnavailable } from '../token-failure.ts';

/** Names of regions, such as "eu-central-1" or "us-gov-west-1". */
export const regionPattern = '^[a-z]{2,4}(-[a-z]{1,16}){1,3}-[0-9]{1,2}$';

const region = new RegExp(regionPattern);
/** Domains that services of AWS answer at, below the name of the region. */
const serviceDomain =
  /\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn)$/;

/** The region in the address of a service, such as `https://bedrock-runtime.us-east-1.amazonaws.com`. */
export function regionOfOrigin(origin: string): string | undefined {
  const host = URL.parse(origin)?.hostname ?? '';
  const domain = serviceDomain.exec(host);
  if (domain === null) return undefined;
  const label = host.slice(0, domain.index).split('.').at(-1);
  return label !== undefined && region.test(label) ? label : undefined;
}

/** A region that the environment names, where it is one. */
export function readRegion(text: string | undefined): string | undefined {
  return text !== undefined && region.test(text) ? text : undefined;
}

/** Where the Security Token Service of a region answers, and the region that requests to it are signed for. */
export interface StsPlace {
  readonly url: string;
  readonly region: string;
}

/**
 * The place for roles of one partition. Without a region it is the global one, which only the first partition has;
 * TOKEN_UNAVAILABLE in the others.
 */
export function stsPlace(roleArn: string, known: string | undefined): StsPlace {
  if (known !== undefined) return { url: `https://sts.${known}.${domainOf(known)}/`, region: known };
  if (!roleArn.startsWith('arn:aws:')) throw tokenUnavailable('no region is known: set "region" or AWS_REGION');
  return { url: 'https://sts.amazonaws.com/', region: 'us-east-1' };
}

function domainOf(known: string): string {
  if (known.startsWith('cn-')) return 'amazonaws.com.cn';
  if (known.startsWith('us-iso-')) return 'c2s.ic.gov';
  if (known.startsWith('us-isob-')) return 'sc2s.sgov.gov';
  if (known.startsWith('eu-isoe-')) return 'cloud.adc-e.uk';
  if (known.startsWith('us-isof-')) return 'csp.hci.ic.gov';
  if (known.startsWith('eusc-')) return 'amazonaws.eu';
  return 'amazonaws.com';
}
