// What a person does about an object that is left, kind by kind (X4, failure 37).
import type { OwnedObject, Residue } from './report.ts';

/** How a person removes an object of a kind, once sure of it. */
const WHAT_TO_DO: Record<string, (object: OwnedObject) => string> = {
  'eks:cluster': ({ name }) => `aws eks delete-cluster --name ${name}`,
  'eks:nodegroup': ({ id }) => `aws eks delete-nodegroup --cluster-name ${id.split('/')[1]} --nodegroup-name ${id.split('/')[2]}`,
  'iam:role': ({ name }) => `detach its policies, then: aws iam delete-role --role-name ${name}`,
  'iam:policy': ({ id }) => `see what it is attached to (aws iam list-entities-for-policy --policy-arn ${id}), then: aws iam delete-policy --policy-arn ${id}`,
  'iam:instance-profile': ({ name }) => `take its role out, then: aws iam delete-instance-profile --instance-profile-name ${name}`,
  'iam:oidc-provider': ({ id }) => `aws iam delete-open-id-connect-provider --open-id-connect-provider-arn ${id}`,
  'logs:log-group': ({ name }) => `aws logs delete-log-group --log-group-name ${name}`,
  'elasticloadbalancing:loadbalancer': ({ id }) => `see whether its deletion protection is meant (aws elbv2 describe-load-balancer-attributes --load-balancer-arn ${id}), then: aws elbv2 delete-load-balancer --load-balancer-arn ${id}`,
  'elasticloadbalancing:targetgroup': ({ id }) => `aws elbv2 delete-target-group --target-group-arn ${id}`,
  'ec2:instance': ({ id }) => `aws ec2 terminate-instances --instance-ids ${id}`,
  'ec2:volume': ({ id }) => `look whether its data is wanted, then: aws ec2 delete-volume --volume-id ${id}`,
  'ec2:snapshot': ({ id }) => `look whether its data is wanted, then: aws ec2 delete-snapshot --snapshot-id ${id}`,
  'ec2:elastic-ip': ({ id }) => `aws ec2 release-address --allocation-id ${id}`,
  'ec2:launch-template': ({ id }) => `aws ec2 delete-launch-template --launch-template-id ${id}`,
  'ec2:security-group': ({ id }) => `see what uses it (aws ec2 describe-network-interfaces --filters Name=group-id,Values=${id}), then: aws ec2 delete-security-group --group-id ${id}`,
  'ec2:network-interface': ({ id }) => `if its status is available: aws ec2 delete-network-interface --network-interface-id ${id}`,
  'secretsmanager:secret': ({ id }) => `aws secretsmanager delete-secret --secret-id ${id}`,
  'kms:key': ({ id }) => `see what it still encrypts, then: aws kms schedule-key-deletion --key-id ${id}`,
  's3:bucket': ({ name }) => `look whether its data is wanted; empty it with all versions, then: aws s3api delete-bucket --bucket ${name}`,
};

export function whatToDo(object: OwnedObject): string {
  return WHAT_TO_DO[object.kind]?.(object) ?? `look at ${object.id} and delete it by hand if it is not needed`;
}

/** The object as residue. */
export function residueOf(object: OwnedObject, why: string): Residue {
  return { ...object, why, whatToDo: whatToDo(object) };
}
