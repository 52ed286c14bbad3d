import { tokenInvalid } from '../token-failure.ts';
import { askedAt } from '../token-lifetime.ts';
import { readKeysDocument, type AwsAccess } from './aws-access.ts';
import { andThen, type FoundKeys, type KeySource } from './aws-keys.ts';
import { metadataText, openInstanceMetadata, type InstanceMetadata } from './instance-metadata.ts';

const rolesPath = '/latest/meta-data/iam/security-credentials/';
const roleName = /^[\w+=,.@-]{1,128}$/;

/** The keys of the role of an EC2 instance. */
export function instanceKeys(access: AwsAccess): KeySource {
  return {
    name: 'instance',
    find: (run) =>
      andThen(openInstanceMetadata(access, run), (opened): FoundKeys | Promise<FoundKeys> =>
        'absent' in opened ? opened : findKeys(opened, access),
      ),
  };
}

async function findKeys(metadata: InstanceMetadata, { clock }: Pick<AwsAccess, 'clock'>): Promise<FoundKeys> {
  const roles = await metadata.ask(rolesPath);
  if (roles.status === 404) return { absent: 'the instance has no role' };
  const [role = ''] = metadataText(roles, { clock }).split('\n', 1);
  if (!roleName.test(role.trim())) throw tokenInvalid('the metadata service names no usable role');
  const asked = askedAt(clock);
  return readKeysDocument(await metadata.ask(rolesPath + role.trim()), asked);
}
