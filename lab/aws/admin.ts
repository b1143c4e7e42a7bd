// The lab's administrator: a real IAM user of moto with AdministratorAccess (root could not assume roles), whose key
// `lab env` prints.
import { AttachUserPolicyCommand, CreateAccessKeyCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import { inAccount, motoClientConfig } from './moto.ts';
import { userPrincipal, type AccessKey } from './principals.ts';
import type { World } from './service.ts';

/**
 * Makes the administrator, once moto answers, and makes its key known to the gateway.
 * @throws EntityAlreadyExistsException when the user is there already
 */
export async function seedAdmin(world: World, userName = 'lab-admin'): Promise<AccessKey> {
  const iam = inAccount(new IAMClient(motoClientConfig(world)), world.account);
  try {
    const { User } = await iam.send(new CreateUserCommand({ UserName: userName }));
    await iam.send(new AttachUserPolicyCommand({ UserName: userName, PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }));
    const made = await iam.send(new CreateAccessKeyCommand({ UserName: userName }));
    const { AccessKeyId = '', SecretAccessKey = '' } = made.AccessKey ?? {};
    const key: AccessKey = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, principal: userPrincipal(world.account, userName, User?.UserId ?? '') };
    world.keys.set(key.accessKeyId, key);
    return key;
  } finally {
    iam.destroy();
  }
}
