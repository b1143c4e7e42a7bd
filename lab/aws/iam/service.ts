// IAM is moto's; the gateway only learns the access keys that pass through it, so that they sign.
import * as sdk from '@aws-sdk/client-iam';
import { userPrincipal } from '../principals.ts';
import type { OperationsOf, Overlay } from '../service.ts';
import type { PolicyStore } from './policy-store.ts';
import { simulatePrincipalPolicy } from './simulate.ts';

export const iamOverlay: Overlay<{ policies: PolicyStore }, OperationsOf<typeof sdk>> = {
  scope: 'iam',
  protocol: 'query',
  sdk,
  namespace: 'https://iam.amazonaws.com/doc/2010-05-08/',
  resource: (_, input) => [input['RoleName'], input['UserName'], input['PolicyArn'], input['OpenIDConnectProviderArn']].find((name) => typeof name === 'string'),
  mends: {
    SimulatePrincipalPolicy: ({ state, world }, input) => simulatePrincipalPolicy(state.policies, world, input),
    async CreateAccessKey({ world, account, now }, _input, answer) {
      const output = await answer();
      const { AccessKeyId = '', SecretAccessKey = '', UserName = '' } = output.AccessKey ?? {};
      world.keys.set(AccessKeyId, {
        accessKeyId: AccessKeyId,
        secretAccessKey: SecretAccessKey,
        principal: userPrincipal(account, UserName, `AIDA${AccessKeyId.slice(4)}`),
      });
      return { ...output, AccessKey: { ...output.AccessKey, UserName, AccessKeyId, SecretAccessKey, Status: 'Active', CreateDate: output.AccessKey?.CreateDate ?? now } };
    },
    async DeleteAccessKey({ world }, input, answer) {
      const output = await answer();
      world.keys.delete(input.AccessKeyId ?? '');
      return output;
    },
  },
};
