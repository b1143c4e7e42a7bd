// What EKS refuses before it starts anything: names, versions, VPC, roles (requirement C1). Sentences as AWS answers them
// where one could be seen; README.md lists the ones that could not.
import { DescribeSubnetsCommand, type Subnet } from '@aws-sdk/client-ec2';
import { GetRoleCommand } from '@aws-sdk/client-iam';
import type { Backdoor } from '../ec2/backdoor.ts';
import { awsError } from '../service.ts';
import { CLUSTER_VERSIONS } from './catalogue.ts';
import { fingerprint, page, replayOf, type Page } from './requests.ts';
import type { EksState } from './state.ts';

/** Refuses a parameter. @throws AwsError InvalidParameterException */
export function invalid(message: string, fields?: Record<string, unknown>): never {
  return awsError('InvalidParameterException', message, 400, fields);
}

/** A cluster's name: letters, digits, hyphens and underscores, at most 100, starting with a letter or digit. */
export function checkClusterName(name: string | undefined): string {
  if (name === undefined || !/^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$/.test(name)) {
    invalid('The cluster name must start with a letter or digit, and can contain up to 100 letters, digits, hyphens and underscores', { clusterName: name });
  }
  return name;
}

/** @throws AwsError InvalidParameterException for a version EKS does not offer */
export function checkVersion(version: string): string {
  if (!(CLUSTER_VERSIONS as readonly string[]).includes(version)) invalid('unsupported Kubernetes version');
  return version;
}

/** The role exists. @throws AwsError InvalidParameterException */
export async function checkRole({ iam }: Backdoor, arn: string | undefined): Promise<string> {
  const name = /^arn:aws:iam::\d{12}:role\/(?:.*\/)?([^/]+)$/.exec(arn ?? '')?.[1];
  if (arn === undefined || name === undefined) invalid(`The provided role doesn't have a valid ARN: ${arn ?? ''}`);
  try {
    await iam.send(new GetRoleCommand({ RoleName: name }));
  } catch (error) {
    if (!(error instanceof Error) || !error.name.startsWith('NoSuchEntity')) throw error;
    invalid(`Role with arn: ${arn}, could not be assumed because it does not exist or the trusted entity is not correct`);
  }
  return arn;
}

/** The subnets, in the order they were named. @throws AwsError InvalidParameterException if one is missing or VPCs differ */
export async function checkSubnets({ ec2 }: Backdoor, ids: readonly string[] | undefined): Promise<{ vpcId: string; subnets: Subnet[] }> {
  if (ids === undefined || ids.length === 0) invalid('Subnets cannot be empty');
  let found: Subnet[];
  try {
    ({ Subnets: found = [] } = await ec2.send(new DescribeSubnetsCommand({ SubnetIds: [...ids] })));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'InvalidSubnetID.NotFound') throw error;
    invalid(`${error.message} (Service: AmazonEC2; Status Code: 400; Error Code: InvalidSubnetID.NotFound)`);
  }
  const vpcs = new Set(found.map((subnet) => subnet.VpcId));
  const [vpcId] = vpcs;
  if (vpcs.size !== 1 || vpcId === undefined) invalid('Subnets specified must be in the same VPC');
  return { vpcId, subnets: ids.flatMap((id) => found.find((subnet) => subnet.SubnetId === id) ?? []) };
}

/** @throws AwsError InvalidParameterException unless the subnets lie in two zones or more */
export function checkZones(subnets: readonly Subnet[]): void {
  if (new Set(subnets.map((subnet) => subnet.AvailabilityZone)).size < 2) {
    invalid('Subnets specified must be in at least two different AZs');
  }
}

/**
 * Recognises a repeated request by its client request token (33–126 characters for a cluster, as AWS checks).
 * @returns true if this very request was accepted before, and its thing should be answered as it is now
 * @throws AwsError InvalidParameterException for a token that was used with other parameters
 */
export function isReplay(state: EksState, operation: string, input: { clientRequestToken?: string | undefined }): boolean {
  if (input.clientRequestToken === undefined) return false;
  const replay = replayOf(state.requests, `${operation} ${input.clientRequestToken}`, fingerprint(input));
  if (replay === 'different') invalid('The client request token has already been used with different parameters.');
  return replay === 'same';
}

/** Remembers an accepted request. */
export function accept(state: EksState, operation: string, input: { clientRequestToken?: string | undefined }): void {
  if (input.clientRequestToken !== undefined) state.requests.set(`${operation} ${input.clientRequestToken}`, fingerprint(input));
}

/** One page of names. @throws AwsError InvalidParameterException for a bad token or size */
export function pageOf<T>(items: Iterable<T>, keyOf: (item: T) => string, bounds: { maxResults?: number | undefined; nextToken?: string | undefined }): Page<T> {
  try {
    return page([...items], keyOf, bounds);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return invalid(error.message);
  }
}
