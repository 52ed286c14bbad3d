import { lookup as resolveHost } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction, type Socket } from 'node:net';
import { buildConnector } from 'undici';
import type { Clock } from '../kernel/clock.ts';
import { SluiceError } from '../kernel/errors.ts';
import type { ClientIdentity } from '../kernel/http-caller.ts';
import { shownIdentity } from './client-identity.ts';

/**
 * Where a connection may go. `public`: addresses of the public internet only. `private`: also loopback, RFC 1918,
 * unique-local and shared (RFC 6598) addresses, on the word of the operator in the definition. Metadata services,
 * link-local, multicast, translated and unspecified addresses are refused in both. `metadata`: the addresses at which
 * AWS, Azure and Google tell their machines who they are, and no other. `platform`: for an address that the platform put
 * into the environment of the process, as App Service does; what an operator may open, and the link-local addresses at
 * which containers are answered, but nothing public. No definition can ask for the last two by itself.
 */
export type EgressProfile = 'public' | 'private' | 'metadata' | 'platform';

export interface ResolvedAddress {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a host name. Rejects with an error that has a `code` such as `ENOTFOUND`. */
export type EgressLookup = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export interface GuardedConnectOptions {
  readonly clock: Clock;
  /** Bound of name resolution, TCP connect and TLS handshake together. */
  readonly timeoutMilliseconds: number;
  /** The system resolver when absent. */
  readonly lookup?: EgressLookup;
  /** Shown to the server in the TLS handshake. Then there is no way out without TLS. */
  readonly identity?: ClientIdentity;
}

/**
 * A connector of undici. Returns the socket while it connects, so that the attempt can be given up by destroying it;
 * undefined when the address was refused and nothing was opened. Never calls back before it returned.
 */
export type GuardedConnector = (
  options: buildConnector.Options,
  callback: buildConnector.Callback,
) => Socket | undefined;

/** More addresses than this are checked, but not tried. */
const maxTriedAddresses = 16;

/** The special-purpose registries of IANA, and what clouds answer on beside them. Sources: RFC 6890, RFC 9637, RFC 9602. */
const specialRanges4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '255.255.255.255/32',
];
/**
 * The public internet is 2000::/3, so all other thirds are refused as a whole: among them `::`, `::1`, v4-compatible
 * and v4-mapped addresses, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard, SRv6, unique-local, link-local, multicast.
 */
const specialRanges6 = [
  '::/3',
  '4000::/2',
  '8000::/1',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '2620:4f:8000::/48',
  '3fff::/20',
];
const operatorRanges4 = ['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'];
const operatorRanges6 = ['::1/128', 'fc00::/7'];
/** Instance metadata inside ranges that would be allowed: Alibaba, Azure, AWS, Google. */
const metadataRanges4 = ['100.100.100.200/32', '168.63.129.16/32'];
const metadataRanges6 = ['fd00:ec2::/32', 'fd20:ce::254/128'];
/** Names that mean the metadata service, and nothing else, whatever they resolve to. */
const metadataNames = new Set([
  'metadata.google.internal',
  'metadata.goog',
  'metadata',
  'instance-data',
  'instance-data.ec2.internal',
]);
/**
 * What the profile `metadata` opens: machines of AWS, Azure and Google, tasks of ECS, pods of EKS. The wire server of Azure
 * (168.63.129.16) and what other clouds answer on give no identity that is used here.
 */
const identityRanges4 = ['169.254.169.254/32', '169.254.170.2/32', '169.254.170.23/32'];
const identityRanges6 = ['fd00:ec2::254/128', 'fd00:ec2::23/128', 'fd20:ce::254/128'];
const identityNames = new Set(['metadata.google.internal', 'metadata.goog']);
/** Where App Service and Functions answer to containers on Linux: 169.254.129.x to 131.x, and 169.254.255.2. */
const platformRanges4 = [...operatorRanges4, '169.254.128.0/17'];

const special4 = blockList(specialRanges4);
const special6 = blockList(specialRanges6);
const operator4 = blockList(operatorRanges4);
const operator6 = blockList(operatorRanges6);
const metadata4 = blockList(metadataRanges4);
const metadata6 = blockList(metadataRanges6);
const platform4 = blockList(platformRanges4);
const identity4 = blockList(identityRanges4);
const identity6 = blockList(identityRanges6);
const mapped = blockList(['::ffff:0:0/96']);

/** Decides on a numeric address. What is no plain address (a name, a zone such as `fe80::1%eth0`) is refused. */
export function isAddressAllowed(address: string, profile: EgressProfile): boolean {
  const family = address.includes('%') ? 0 : isIP(address);
  if (family === 4) return isAllowed4(address, 'ipv4', profile);
  if (family !== 6) return false;
  // A v4-mapped address is the v4 address on the wire. BlockList reads it so; only an operator may write it.
  if (mapped.check(address, 'ipv6')) return profile === 'private' && isAllowed4(address, 'ipv6', profile);
  if (profile === 'metadata') return identity6.check(address, 'ipv6');
  if (metadata6.check(address, 'ipv6')) return false;
  if (!special6.check(address, 'ipv6')) return profile !== 'platform';
  return profile !== 'public' && operator6.check(address, 'ipv6');
}

function isAllowed4(address: string, type: 'ipv4' | 'ipv6', profile: EgressProfile): boolean {
  if (profile === 'metadata') return identity4.check(address, type);
  if (metadata4.check(address, type)) return false;
  if (profile === 'platform') return platform4.check(address, type);
  if (!special4.check(address, type)) return true;
  return profile === 'private' && operator4.check(address, type);
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', prefix = ''] = range.split('/');
    list.addSubnet(network, Number(prefix), network.includes(':') ? 'ipv6' : 'ipv4');
  }
  return list;
}

/**
 * Throws EGRESS_BLOCKED for a host that needs no resolving to be refused: an address literal (for which the resolver
 * is never asked) and a name that always means this machine or a metadata service. `hostname` is as URL gives it.
 */
export function assertHostAllowed(hostname: string, profile: EgressProfile): void {
  const name = hostname
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();
  if (isIP(name) !== 0) {
    assertAddressAllowed(name, hostname, profile);
    return;
  }
  if (!isNameAllowed(name, profile)) throw blocked(hostname, name, profile);
}

function isNameAllowed(name: string, profile: EgressProfile): boolean {
  if (profile === 'metadata') return identityNames.has(name);
  const isLocal = name === 'localhost' || name.endsWith('.localhost');
  return !metadataNames.has(name) && !(isLocal && profile === 'public');
}

function assertAddressAllowed(address: string, hostname: string, profile: EgressProfile): void {
  if (!isAddressAllowed(address, profile)) throw blocked(hostname, address, profile);
}

/** The message for the client names neither host nor address; the log gets both. */
function blocked(hostname: string, address: string, profile: EgressProfile): SluiceError {
  return new SluiceError('EGRESS_BLOCKED', { context: { host: hostname, address, profile } });
}

/**
 * The only way to a socket: checks literals before anything is opened, resolves once and checks all answers, connects
 * to checked addresses only, and looks at the address that was reached. Certificates are always verified; further
 * authorities come from NODE_EXTRA_CA_CERTS alone. Fails with EGRESS_BLOCKED, UPSTREAM_CONNECT_TIMEOUT, or what Node
 * gives.
 */
export function guardedConnect(profile: EgressProfile, options: GuardedConnectOptions): GuardedConnector {
  const { identity } = options;
  const bounds: buildConnector.BuildOptions = {
    allowH2: false,
    // Set although it is the default: else NODE_TLS_REJECT_UNAUTHORIZED=0 would switch it off.
    rejectUnauthorized: true,
    // The timeout runs on the injected clock, below.
    timeout: 0,
    lookup: guardedLookup(profile, options.lookup ?? resolveAll),
  };
  const plain = buildConnector(bounds) as GuardedConnector;
  // A connector of its own for each connection: it takes the files as they are now, and resumes no session that was
  // opened with the certificate before.
  const connectorFor = (target: buildConnector.Options): GuardedConnector =>
    identity === undefined
      ? plain
      : (buildConnector({ ...bounds, ...shownIdentity(identity, target) }) as GuardedConnector);
  return (target, callback) => {
    try {
      assertTargetAllowed(target, profile);
      return connectChecked(connectorFor(target), target, profile, options, callback);
    } catch (error) {
      queueMicrotask(() => callback(error as Error, null));
      return undefined;
    }
  };
}

function assertTargetAllowed(target: buildConnector.Options, profile: EgressProfile): void {
  if (target.protocol !== 'https:' && target.protocol !== 'http:')
    throw blocked(target.hostname, target.protocol, profile);
  assertHostAllowed(target.hostname, profile);
}

function connectChecked(
  connect: GuardedConnector,
  target: buildConnector.Options,
  profile: EgressProfile,
  options: GuardedConnectOptions,
  callback: buildConnector.Callback,
): Socket | undefined {
  let refusal: SluiceError | undefined;
  const socket = connect(target, (...[error, connected]) => {
    timer.cancel();
    if (error !== null) callback(refusal ?? error, null);
    else if (refusal !== undefined) callback(refusal, null);
    else callback(null, connected);
  });
  // Before the handshake and before undici's own listener, so not a byte is sent to a wrong address.
  socket?.prependOnceListener('connect', () => {
    refusal = reachedRefusal(socket.remoteAddress, target.hostname, profile);
    if (refusal !== undefined) socket.destroy(refusal);
  });
  const timer = options.clock.after(options.timeoutMilliseconds, () => {
    socket?.destroy(new SluiceError('UPSTREAM_CONNECT_TIMEOUT', { context: { host: target.hostname } }));
  });
  socket?.once('close', () => timer.cancel());
  return socket;
}

function reachedRefusal(
  address: string | undefined,
  hostname: string,
  profile: EgressProfile,
): SluiceError | undefined {
  // The peer was gone before its address could be read.
  if (address === undefined) return new SluiceError('UPSTREAM_CONNECT', { context: { host: hostname } });
  return isAddressAllowed(address, profile) ? undefined : blocked(hostname, address, profile);
}

const resolveAll: EgressLookup = (hostname) => resolveHost(hostname, { all: true });

/** `lookup` in the form that `net.connect` calls; it is asked once per connection attempt, and never for literals. */
function guardedLookup(profile: EgressProfile, lookup: EgressLookup): LookupFunction {
  return (hostname, options, callback) => {
    resolveChecked(hostname, profile, lookup).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all === true || first === undefined) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}

async function resolveChecked(
  hostname: string,
  profile: EgressProfile,
  lookup: EgressLookup,
): Promise<{ address: string; family: number }[]> {
  const answers = await lookup(hostname);
  // Read once: what is checked is what is connected to.
  const addresses = answers.map(({ address }) => ({ address, family: isIP(address) }));
  if (addresses.length === 0) throw Object.assign(new Error('the name has no address'), { code: 'ENOTFOUND' });
  for (const { address } of addresses) assertAddressAllowed(address, hostname, profile);
  return addresses.slice(0, maxTriedAddresses);
}
