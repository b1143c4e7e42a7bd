// ARNs taken apart.
import type { OwnedObject } from '../domain/report.ts';

/** An object from its ARN. EC2's are known by their ids, as its own calls give them. */
export function objectOfArn(arn: string): OwnedObject {
  const service = arn.split(':')[2] ?? '';
  const parts = partsOf(arn);
  const name = parts.slice(1).join('/');
  return { kind: `${service}:${parts.length === 1 ? 'bucket' : (parts[0] ?? '')}`, id: service === 'ec2' ? (parts[1] ?? arn) : arn, name: name === '' ? arn : name };
}

/** The resource of an ARN, split: `role/path/name` → role, path, name; `log-group:/aws/eks/x` → log-group, (empty), aws, eks, x. */
export function partsOf(arn: string): string[] {
  return arn.split(':').slice(5).join(':').split(/[/:]/);
}
