// Load balancers and target groups as AWS treats them, on top of moto's (teardown.md, failures 20–24).
import * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { DescribeSecurityGroupsCommand, DescribeSubnetsCommand, ModifyNetworkInterfaceAttributeCommand, type Subnet } from '@aws-sdk/client-ec2';
import { AwsError, awsError, type Call } from '../service.ts';
import { ask } from './ask.ts';
import { canonicalZone, dnsName, fullName, sameSettings } from './lifecycle.ts';
import type { Elbv2State } from './state.ts';

type Elb = Call<Elbv2State>;

/** Creates a load balancer: provisioning for its time, with an interface in each of its subnets from the start. */
export async function createBalancer({ state }: Elb, input: sdk.CreateLoadBalancerCommandInput): Promise<sdk.CreateLoadBalancerOutput> {
  const asked = {
    type: input.Type ?? 'application', scheme: input.Scheme ?? 'internet-facing', groups: input.SecurityGroups ?? [],
    subnets: input.Subnets ?? (input.SubnetMappings ?? []).flatMap((mapping) => mapping.SubnetId ?? []),
  };
  if (asked.type === 'gateway') awsError('NotImplemented', 'The lab has no gateway load balancers', 501);
  const namesake = (await allBalancers(state)).find((balancer) => balancer.LoadBalancerName === input.Name);
  if (namesake !== undefined) {
    if (sameSettings(namesake, asked)) return { LoadBalancers: [namesake] };
    awsError('DuplicateLoadBalancerName', `A load balancer with the same name '${input.Name ?? ''}' exists, but with different settings`, 400);
  }
  await checkSubnets(state, asked.type, asked.subnets);
  await checkGroups(state, asked.groups);
  const { LoadBalancers: [made] = [] } = await ask(state, { ...input, Type: input.Type ?? 'application', Scheme: input.Scheme ?? 'internet-facing' }, (client, sent) => client.send(new sdk.CreateLoadBalancerCommand(sent)));
  if (made?.LoadBalancerArn === undefined) throw new Error(`moto made no load balancer ${input.Name ?? ''}`);
  const id = made.LoadBalancerArn.slice(made.LoadBalancerArn.lastIndexOf('/') + 1);
  if (asked.type === 'network') state.network.add(id);
  const balancer = { ...made, LoadBalancerArn: asked.type === 'network' ? made.LoadBalancerArn.replace('/app/', '/net/') : made.LoadBalancerArn };
  await provision(state, balancer, asked);
  return { LoadBalancers: [shown(state, balancer)] };
}

async function provision(state: Elbv2State, balancer: sdk.LoadBalancer, { type, subnets, groups }: { type: string; subnets: readonly string[]; groups: readonly string[] }): Promise<void> {
  const record = { interfaceIds: [] as string[], active: false };
  state.balancers.set(balancer.LoadBalancerArn ?? '', record);
  for (const subnetId of subnets) {
    record.interfaceIds.push(await state.interfaces.create({
      subnetId, securityGroupIds: groups, description: `ELB ${fullName(balancer)}`,
      requesterId: 'amazon-elb', requesterManaged: true, attachmentOwner: 'amazon-elb',
      interfaceType: type === 'network' ? 'network_load_balancer' : 'interface',
    }));
  }
  state.clock.after(state.durations.provision, () => {
    record.active = true;
  });
}

async function checkSubnets({ ec2 }: Elbv2State, type: string, ids: readonly string[]): Promise<void> {
  const found = await present(ids, async (SubnetIds) => (await ec2.send(new DescribeSubnetsCommand({ SubnetIds }))).Subnets);
  if (found === undefined) awsError('SubnetNotFound', `The subnet ID '${ids.join("', '")}' does not exist`, 400);
  const zones = new Set(found.map((subnet: Subnet) => subnet.AvailabilityZone));
  if (type === 'application' && zones.size < 2) awsError('ValidationError', 'At least two subnets in two different Availability Zones must be specified', 400);
  if (zones.size < ids.length) awsError('InvalidConfigurationRequest', 'A load balancer cannot be attached to multiple subnets in the same Availability Zone', 400);
}

async function checkGroups({ ec2 }: Elbv2State, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const found = await present(ids, async (GroupIds) => (await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds }))).SecurityGroups);
  if (found === undefined) awsError('InvalidSecurityGroup', 'One or more security groups are invalid', 400);
}

/** What EC2 describes by id, or undefined where it knows one of the ids not. */
async function present<T>(ids: readonly string[], describe: (ids: string[]) => Promise<T[] | undefined>): Promise<T[] | undefined> {
  try {
    return (await describe([...ids])) ?? [];
  } catch (error) {
    if (error instanceof Error && /^Invalid(SubnetID|Group|GroupId)\b/.test(error.name)) return undefined;
    throw error;
  }
}

async function allBalancers(state: Elbv2State): Promise<sdk.LoadBalancer[]> {
  const all: sdk.LoadBalancer[] = [];
  let Marker: string | undefined;
  do {
    const { LoadBalancers = [], NextMarker } = await ask(state, { PageSize: 400, ...(Marker !== undefined && { Marker }) }, (client, sent) => client.send(new sdk.DescribeLoadBalancersCommand(sent)));
    all.push(...LoadBalancers.map((balancer) => shown(state, balancer)));
    Marker = NextMarker;
  } while (Marker !== undefined);
  return all;
}

/**
 * Load balancers by ARN or name, or all of them by pages of 400. (moto answers a wrong one for an unknown ARN beside a known.)
 * @throws AwsError LoadBalancerNotFound if one that was named is missing
 */
export async function describeBalancers({ state }: Elb, input: sdk.DescribeLoadBalancersCommandInput): Promise<sdk.DescribeLoadBalancersOutput> {
  const all = await allBalancers(state);
  const { LoadBalancerArns: arns = [], Names: names = [], PageSize = 400, Marker } = input;
  if (arns.length + names.length > 0) {
    const found = all.filter((one) => arns.includes(one.LoadBalancerArn ?? '') || names.includes(one.LoadBalancerName ?? ''));
    if (found.length < new Set([...arns, ...names]).size) awsError('LoadBalancerNotFound', 'One or more load balancers not found', 400);
    return { LoadBalancers: found };
  }
  const start = Marker === undefined ? 0 : all.findIndex((one) => one.LoadBalancerArn === Marker) + 1;
  const page = all.slice(start, start + PageSize);
  const last = page.at(-1)?.LoadBalancerArn;
  return { LoadBalancers: page, ...(start + PageSize < all.length && last !== undefined && { NextMarker: last }) };
}

/** The load balancer as AWS shows it: state by its age, DNS name and zone by its kind. */
function shown(state: Elbv2State, balancer: sdk.LoadBalancer): sdk.LoadBalancer {
  const record = state.balancers.get(balancer.LoadBalancerArn ?? '');
  return {
    ...balancer,
    DNSName: dnsName(balancer, state.region),
    CanonicalHostedZoneId: canonicalZone(balancer),
    State: { Code: record?.active === false ? 'provisioning' : 'active' },
  };
}

/** Deletes a load balancer unless it is protected; its interfaces linger. Absent is success, as with AWS. */
export async function deleteBalancer({ state }: Elb, input: sdk.DeleteLoadBalancerCommandInput): Promise<sdk.DeleteLoadBalancerOutput> {
  const arn = input.LoadBalancerArn ?? '';
  const record = state.balancers.get(arn);
  if (record !== undefined && (await isProtected(state, arn))) {
    awsError('OperationNotPermitted', `Load balancer '${arn}' cannot be deleted because deletion protection is enabled`, 400);
  }
  await ask(state, input, (client, sent) => client.send(new sdk.DeleteLoadBalancerCommand(sent)));
  state.balancers.delete(arn);
  state.clock.after(state.durations.linger, async () => {
    for (const id of record?.interfaceIds ?? []) await state.interfaces.remove(id);
  });
  return {};
}

async function isProtected(state: Elbv2State, arn: string): Promise<boolean> {
  const { Attributes = [] } = await ask(state, { LoadBalancerArn: arn }, (client, sent) => client.send(new sdk.DescribeLoadBalancerAttributesCommand(sent)));
  return Attributes.some(({ Key, Value }) => Key === 'deletion_protection.enabled' && Value === 'true');
}

/** Changes the groups of a load balancer and of its interfaces. */
export async function setSecurityGroups({ state }: Elb, input: sdk.SetSecurityGroupsCommandInput): Promise<sdk.SetSecurityGroupsOutput> {
  await checkGroups(state, input.SecurityGroups ?? []);
  const output = await ask(state, input, (client, sent) => client.send(new sdk.SetSecurityGroupsCommand(sent)));
  for (const id of state.balancers.get(input.LoadBalancerArn ?? '')?.interfaceIds ?? []) {
    await state.ec2.send(new ModifyNetworkInterfaceAttributeCommand({ NetworkInterfaceId: id, Groups: input.SecurityGroups }));
  }
  return output;
}

/** Target groups; moto goes on naming load balancers that are gone. */
export async function describeTargetGroups({ state }: Elb, input: sdk.DescribeTargetGroupsCommandInput): Promise<sdk.DescribeTargetGroupsOutput> {
  const output = await ask(state, input, (client, sent) => client.send(new sdk.DescribeTargetGroupsCommand(sent)));
  const living = (arn: string): boolean => state.balancers.has(arn);
  return { ...output, TargetGroups: output.TargetGroups?.map((group) => ({ ...group, LoadBalancerArns: [...new Set(group.LoadBalancerArns)].filter((arn) => living(arn)) })) };
}

/** Deletes a target group that no listener or rule uses. Absent is success, as with AWS. @throws AwsError ResourceInUse */
export async function deleteTargetGroup({ state }: Elb, input: sdk.DeleteTargetGroupCommandInput): Promise<sdk.DeleteTargetGroupOutput> {
  try {
    return await ask(state, input, (client, sent) => client.send(new sdk.DeleteTargetGroupCommand(sent)));
  } catch (error) {
    if (error instanceof AwsError && error.code === 'TargetGroupNotFound') return {};
    throw error;
  }
}
