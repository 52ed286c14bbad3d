import { regionOfOrigin } from '../aws/aws-region.ts';
import { tokenInvalid } from '../token-failure.ts';
import { textField, type GoogleAccess } from './google-access.ts';

/** The only version of what `credential_source` says about AWS. */
const environment = 'aws1';
export const identityQuery = { action: 'GetCallerIdentity', version: '2011-06-15' } as const;
const regionPlace = '{region}';
/** The service without a region is in this one. */
const globalSts = { hostname: 'sts.amazonaws.com', region: 'us-east-1' } as const;
const instanceOrigins: ReadonlySet<string> = new Set(['http://169.254.169.254', 'http://[fd00:ec2::254]']);
const instanceFields = ['url', 'region_url', 'imdsv2_session_token_url'] as const;

type Source = Readonly<Record<string, unknown>>;

/** What a configuration for AWS may decide. */
export interface AwsSource {
  /** Where AWS says who asks; undefined is the region of the machine. */
  readonly region: string | undefined;
  readonly originIn: (region: string) => string;
  /** Which of its addresses the metadata service of the instance is asked at. */
  readonly instanceUrl: string | undefined;
}

/** Reads `credential_source` for AWS; TOKEN_INVALID where it is of another version, or names somebody else than AWS. */
export function readAwsSource(source: unknown, network: GoogleAccess['network']): AwsSource {
  const described = Object(source) as Source;
  if (described['environment_id'] !== environment)
    throw tokenInvalid(`environment_id of the credential source is not "${environment}"`);
  const template = textField(described, 'regional_cred_verification_url');
  const originIn = (region: string): string => stsOrigin(template.replaceAll(regionPlace, region), network);
  // Any region will do to judge the rest of it, before anybody is asked.
  const origin = originIn(globalSts.region);
  const region = template.includes(regionPlace) ? undefined : regionOf(origin);
  return { region, originIn, instanceUrl: instanceUrlOf(described) };
}

function regionOf(origin: string): string | undefined {
  return new URL(origin).hostname === globalSts.hostname ? globalSts.region : regionOfOrigin(origin);
}

/**
 * The origin of an address at which AWS says who asks. TOKEN_INVALID for any other host, unless the network is a private
 * one, and everywhere for any other question: with such a signature one could take on roles too.
 */
function stsOrigin(text: string, network: GoogleAccess['network']): string {
  const url = URL.parse(text);
  const isQuestion = url?.searchParams.size === 2 && isIdentityQuery(url);
  if (url === null || !isQuestion || !isAllowed(url, network))
    throw tokenInvalid('regional_cred_verification_url of the credential source is not the one of AWS');
  return url.origin;
}

function isIdentityQuery({ pathname, hash, searchParams }: URL): boolean {
  const { action, version } = identityQuery;
  const isRight = searchParams.get('Action') === action && searchParams.get('Version') === version;
  return isRight && pathname === '/' && hash === '';
}

function isAllowed(url: URL, network: GoogleAccess['network']): boolean {
  if (url.username !== '' || url.password !== '') return false;
  if (network === 'private') return url.protocol === 'https:' || url.protocol === 'http:';
  return url.protocol === 'https:' && url.port === '' && isStsHost(url);
}

function isStsHost({ hostname, origin }: URL): boolean {
  const region = regionOfOrigin(origin);
  const name = region === undefined ? 'sts' : `sts.${region}`;
  return hostname === `${name}.amazonaws.com` || hostname === `${name}.amazonaws.com.cn`;
}

/**
 * The files are handed around, so that they can choose between the two addresses that the metadata service has, and no more.
 * Their paths are not used.
 */
function instanceUrlOf(source: Source): string | undefined {
  const origins = instanceFields.flatMap((field) => {
    const value = source[field];
    if (value === undefined || value === null) return [];
    const url = typeof value === 'string' ? URL.parse(value) : null;
    if (url === null || !instanceOrigins.has(url.origin) || url.username !== '' || url.password !== '')
      throw tokenInvalid('the credential source names an address that is not the metadata service of AWS', {
        context: { field },
      });
    return [url.origin];
  });
  return origins[0];
}
