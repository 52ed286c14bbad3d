import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createServer, type AddressInfo } from 'node:net';
import type { buildConnector } from 'undici';
import {
  assertHostAllowed,
  guardedConnect,
  isAddressAllowed,
  type EgressLookup,
  type EgressProfile,
} from '../../src/forward/egress-guard.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { SluiceError } from '../../src/kernel/errors.ts';

const refusedInBoth = [
  '0.0.0.0',
  '0.1.2.3',
  '169.254.169.254',
  '169.254.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.7',
  '203.0.113.9',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::2',
  '::7f00:1',
  '::a00:1',
  '::ffff:a9fe:a9fe',
  '::ffff:0:7f00:1',
  '::ffff:100.100.100.200',
  '64:ff9b::7f00:1',
  '64:ff9b::808:808',
  '64:ff9b:1::7f00:1',
  '100::1',
  '2001::1',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:a00:1::1',
  '3fff::1',
  '5f00::1',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
  'fe80::1',
  'fe80::1%eth0',
  'fec0::1',
  'ff02::1',
  '4000::1',
  '127.1',
  'localhost',
  '',
  '8.8.8.8%1',
];
const privateOnly = [
  '127.0.0.1',
  '127.255.255.255',
  '10.0.0.1',
  '10.255.255.255',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '100.64.0.1',
  '100.127.255.255',
  '::1',
  'fc00::1',
  'fd12:3456::1',
  '::ffff:127.0.0.1',
  '::ffff:10.0.0.1',
];
const publicAddresses = [
  '1.1.1.1',
  '8.8.8.8',
  '93.184.216.34',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2606:4700::1111',
  '2a00:1450:4001::1',
  '2001:4860::8888',
];

describe('an address', () => {
  it.each(refusedInBoth)('%p is refused in both profiles', (address) => {
    expect([isAddressAllowed(address, 'public'), isAddressAllowed(address, 'private')]).toEqual([false, false]);
  });
  it.each(privateOnly)('%p needs the profile private', (address) => {
    expect([isAddressAllowed(address, 'public'), isAddressAllowed(address, 'private')]).toEqual([false, true]);
  });
  it.each(publicAddresses)('%p is allowed in both profiles', (address) => {
    expect([isAddressAllowed(address, 'public'), isAddressAllowed(address, 'private')]).toEqual([true, true]);
  });

  it('is never allowed in another notation when it is refused in its own', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        const low = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        for (const embedded of [
          `::ffff:${address}`,
          `::ffff:${low}`,
          `::${low}`,
          `64:ff9b::${low}`,
          `64:ff9b:1::${low}`,
          `2002:${low}::1`,
        ]) {
          expect(isAddressAllowed(embedded, 'public')).toBe(false);
          if (!isAddressAllowed(address, 'private')) expect(isAddressAllowed(embedded, 'private')).toBe(false);
        }
      }),
    );
  });
});

describe('the metadata profile', () => {
  const identities = [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    'fd00:ec2::254',
    'FD00:EC2:0::254',
    'fd00:ec2::23',
    'fd20:ce::254',
  ];
  it.each(identities)('opens %p, which is closed to every other profile', (address) => {
    const allowed = (['metadata', 'private', 'public'] as const).map((profile) => isAddressAllowed(address, profile));
    expect(allowed).toEqual([true, false, false]);
  });

  const closed = [...refusedInBoth, ...privateOnly, ...publicAddresses].filter(
    (address) => !identities.includes(address),
  );
  it.each([
    ...closed,
    '169.254.169.253',
    '169.254.169.255',
    '169.254.170.1',
    '169.254.170.3',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    'fd00:ec2::253',
    'fd00:ec2:0:1::254',
    'fd00:ec2::254%eth0',
  ])('keeps %p closed', (address) => {
    expect(isAddressAllowed(address, 'metadata')).toBe(false);
  });

  it('opens no address but those', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
        expect(isAddressAllowed(address, 'metadata')).toBe(identities.includes(address));
      }),
    );
  });

  it.each([
    ['metadata.google.internal', true],
    ['Metadata.Google.Internal.', true],
    ['metadata.goog', true],
    ['169.254.169.254', true],
    ['[fd00:ec2::254]', true],
    ['metadata', false],
    ['instance-data.ec2.internal', false],
    ['x.metadata.google.internal', false],
    ['metadata.google.internal.evil.test', false],
    ['localhost', false],
    ['127.0.0.1', false],
    ['10.0.0.1', false],
    ['example.com', false],
    ['', false],
  ])('takes the host %p: %p', (host, allowed) => {
    expect(blockedBy(() => assertHostAllowed(host, 'metadata'))).toBe(allowed ? undefined : 'EGRESS_BLOCKED');
  });

  it('never takes a name to another address than its own', async () => {
    const answers = [
      [{ address: '127.0.0.1', family: 4 }],
      [{ address: '10.0.0.1', family: 4 }],
      [{ address: '93.184.216.34', family: 4 }],
      [
        { address: '169.254.169.254', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
    ];
    for (const answer of answers) {
      const { outcome, connections } = await connectTo('metadata.google.internal', 'metadata', () => answer);
      expect({ outcome, connections }).toEqual({ outcome: 'EGRESS_BLOCKED', connections: 0 });
    }
  });

  it('does not resolve another name', async () => {
    let asked = 0;
    const lookup = (): { address: string; family: number }[] => [{ address: '169.254.169.254', family: (asked += 1) }];
    expect((await connectTo('evil.test', 'metadata', lookup)).outcome).toBe('EGRESS_BLOCKED');
    expect(asked).toBe(0);
  });
});

describe('a host in a URL', () => {
  const odd = [
    '127.1',
    '0x7f.1',
    '2130706433',
    '0177.0.0.1',
    '0',
    '①②⑦.⓪.⓪.①',
    '169.254.169.254.',
    '[::]',
    '[::1]',
    '[::ffff:a9fe:a9fe]',
    '[::7f00:1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[fd00:ec2::254]',
    '[fe80::1]',
    '100.64.0.1',
    '100.100.100.200',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    'localhost',
    'localhost.',
    'foo.localhost',
    'LOCALHOST',
    'metadata.google.internal',
    'metadata.google.internal.',
  ];
  it.each(odd)('http://%s/ is refused before anything is resolved', (host) => {
    expect(blockedBy(() => assertHostAllowed(new URL(`http://${host}/`).hostname, 'public'))).toBe('EGRESS_BLOCKED');
  });

  it.each(['example.com#@127.0.0.1', 'example.com\\@127.0.0.1', 'example.com/127.0.0.1'])(
    'http://%s means example.com',
    (text) => {
      const { hostname } = new URL(`http://${text}`);
      expect(hostname).toBe('example.com');
      expect(() => assertHostAllowed(hostname, 'public')).not.toThrow();
    },
  );

  it.each<[string, EgressProfile, boolean]>([
    ['localhost', 'private', true],
    ['[::1]', 'private', true],
    ['10.0.0.5', 'private', true],
    ['169.254.169.254', 'private', false],
    ['metadata.google.internal', 'private', false],
  ])('%s with the profile %s: allowed is %p', (host, profile, allowed) => {
    expect(blockedBy(() => assertHostAllowed(host, profile))).toBe(allowed ? undefined : 'EGRESS_BLOCKED');
  });
});

describe('a connection', () => {
  const open = { address: '93.184.216.34', family: 4 };
  const local = { address: '127.0.0.1', family: 4 };

  it('goes to a checked address of the name', async () => {
    const { outcome, connections } = await connectTo('service.test', 'private', () => [local]);
    expect({ outcome, connections }).toEqual({ outcome: 'connected', connections: 1 });
  });

  it.each<[string, string, EgressProfile, { address: string; family: number }[]]>([
    ['the only answer is local', 'evil.test', 'public', [local]],
    ['one of several answers is local', 'evil.test', 'public', [open, local]],
    [
      'one of several answers is the metadata service',
      'evil.test',
      'private',
      [local, { address: '169.254.169.254', family: 4 }],
    ],
    ['an answer is local in v6 notation', 'evil.test', 'public', [{ address: '::ffff:127.0.0.1', family: 6 }]],
    ['an answer is no address', 'evil.test', 'public', [{ address: 'localhost', family: 4 }]],
    ['the name is a short form that only the resolver knows', '127.1', 'public', [local]],
  ])('is refused when %s', async (_title, host, profile, answers) => {
    const { outcome, connections, error } = await connectTo(host, profile, () => answers);
    expect({ outcome, connections }).toEqual({ outcome: 'EGRESS_BLOCKED', connections: 0 });
    expect(error?.message).not.toMatch(/127|169|evil/);
    expect(error?.context).toMatchObject({ host, profile });
  });

  it.each(['127.0.0.1', '::1', '0.0.0.0', 'localhost', 'a.localhost.'])(
    'to %s is refused without asking the resolver',
    async (host) => {
      let asked = 0;
      const { outcome, connections } = await connectTo(host, 'public', () => {
        asked += 1;
        return [local];
      });
      expect({ outcome, connections, asked }).toEqual({ outcome: 'EGRESS_BLOCKED', connections: 0, asked: 0 });
    },
  );

  it('uses the answer that was checked, though a second look would differ', async () => {
    let looks = 0;
    const shifting = {
      family: 4,
      get address() {
        looks += 1;
        return looks === 1 ? '127.0.0.1' : '169.254.169.254';
      },
    };
    const { outcome } = await connectTo('rebind.test', 'private', () => [shifting]);
    expect({ outcome, looks }).toEqual({ outcome: 'connected', looks: 1 });
  });

  it('is checked anew each time, so a name that turns local is refused', async () => {
    const answers = [[local], [{ address: '169.254.169.254', family: 4 }]];
    const lookup = (): { address: string; family: number }[] => answers.shift() ?? [];
    expect((await connectTo('rebind.test', 'private', lookup)).outcome).toBe('connected');
    expect((await connectTo('rebind.test', 'private', lookup)).outcome).toBe('EGRESS_BLOCKED');
  });

  it('over another scheme is refused', async () => {
    const { outcome } = await connectTo('service.test', 'private', () => [local], 'gopher:');
    expect(outcome).toBe('EGRESS_BLOCKED');
  });

  it('to a name without an address fails as unresolved', async () => {
    const { outcome } = await connectTo('nowhere.test', 'private', () => []);
    expect(outcome).toBe('ENOTFOUND');
  });
});

function blockedBy(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return error instanceof SluiceError ? error.code : String(error);
  }
}

interface Outcome {
  readonly outcome: string;
  readonly connections: number;
  readonly error: SluiceError | undefined;
}

/** Connects to a listening server whose address is what `resolve` says, and closes everything again. */
async function connectTo(
  hostname: string,
  profile: EgressProfile,
  resolve: () => { address: string; family: number }[],
  protocol = 'http:',
): Promise<Outcome> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => {}).resume();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const port = String((server.address() as AddressInfo).port);
  const lookup: EgressLookup = async () => resolve();
  const connect = guardedConnect(profile, { clock: systemClock, timeoutMilliseconds: 5_000, lookup });
  const accepted = new Promise<void>((done) => server.once('connection', () => done()));
  const target: buildConnector.Options = { hostname, host: hostname, protocol, port };
  const [error, socket] = await new Promise<buildConnector.CallbackArgs>((done) =>
    connect(target, (...result) => done(result)),
  );
  if (socket !== null) await accepted;
  socket?.destroy();
  await new Promise((done) => server.close(done));
  const code = (error as { code?: string } | null)?.code;
  return {
    outcome: code ?? (socket === null ? 'nothing' : 'connected'),
    connections,
    error: error instanceof SluiceError ? error : undefined,
  };
}
