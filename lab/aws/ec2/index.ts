// EC2, API 2016-11-15: an overlay on moto (lab.md § The gateway, overlays). It puts the interfaces of AWS services right
// and refuses to delete what is in use. Gaps: README.md.
import * as sdk from '@aws-sdk/client-ec2';
import { awsError, plugOverlay, type Call, type OperationsOf, type Overlay, type Plugged } from '../service.ts';
import { dependentsOfGroup, dependentsOfSubnet } from './dependencies.ts';
import { dressed, type ServiceInterfaces } from './interfaces.ts';

interface Ec2State { ec2: sdk.EC2Client; interfaces: ServiceInterfaces }
type Answer<Output> = () => Promise<Output>;

const overlay: Overlay<Ec2State, OperationsOf<typeof sdk>> = {
  scope: 'ec2',
  protocol: 'ec2',
  sdk,
  namespace: 'http://ec2.amazonaws.com/doc/2016-11-15/',
  resource: (_operation, input) => [input['NetworkInterfaceId'], input['GroupId'], input['SubnetId']].find((id) => typeof id === 'string'),
  mends: {
    DescribeNetworkInterfaces: describeInterfaces,
    DeleteNetworkInterface: deleteInterface,
    DetachNetworkInterface: detachInterface,
    DeleteSecurityGroup: deleteGroup,
    DeleteSubnet: deleteSubnet,
  },
};

/** Binds the overlay to the interfaces that EKS and the load balancers make. */
export function plugEc2(state: Ec2State): Plugged {
  return plugOverlay(overlay, state);
}

/** Filters on what moto does not know of a service's interface; they are applied to the mended answer. */
const OWN_FILTERS: Record<string, (eni: sdk.NetworkInterface) => string | undefined> = {
  'status': (eni) => eni.Status,
  'requester-id': (eni) => eni.RequesterId,
  'requester-managed': (eni) => String(eni.RequesterManaged ?? false),
  'interface-type': (eni) => eni.InterfaceType,
  'attachment.status': (eni) => eni.Attachment?.Status,
  'attachment.instance-owner-id': (eni) => eni.Attachment?.InstanceOwnerId,
  'attachment.instance-id': (eni) => eni.Attachment?.InstanceId,
};

async function describeInterfaces(
  { state }: Call<Ec2State>, input: sdk.DescribeNetworkInterfacesCommandInput, answer: Answer<sdk.DescribeNetworkInterfacesResult>,
): Promise<sdk.DescribeNetworkInterfacesResult> {
  const own = (input.Filters ?? []).filter(({ Name = '' }) => Name in OWN_FILTERS);
  const Filters = (input.Filters ?? []).filter((filter) => !own.includes(filter));
  const { NetworkInterfaces = [], ...rest } = own.length === 0
    ? await answer()
    : await asAws(state.ec2.send(new sdk.DescribeNetworkInterfacesCommand({ ...input, Filters })));
  const shown = NetworkInterfaces.map((eni) => dressed(eni, state.interfaces.of(eni.NetworkInterfaceId ?? '')));
  return {
    ...('NextToken' in rest && rest.NextToken !== undefined && { NextToken: rest.NextToken }),
    NetworkInterfaces: shown.filter((eni) => own.every(({ Name = '', Values = [] }) => Values.some((value) => like(OWN_FILTERS[Name]?.(eni) ?? '', value)))),
  };
}

/** EC2's filter values: `*` for any text, `?` for one character. */
export function like(value: string, pattern: string): boolean {
  const source = pattern.replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*').replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(value);
}

async function deleteInterface({ state }: Call<Ec2State>, input: sdk.DeleteNetworkInterfaceCommandInput, answer: Answer<object>): Promise<object> {
  const id = input.NetworkInterfaceId ?? '';
  const { NetworkInterfaces: [eni] = [] } = await asAws(state.ec2.send(new sdk.DescribeNetworkInterfacesCommand({ NetworkInterfaceIds: [id] })));
  if (state.interfaces.of(id) !== undefined || eni?.Attachment !== undefined) {
    awsError('InvalidParameterValue', `Network interface '${id}' is currently in use.`, 400);
  }
  return answer();
}

async function detachInterface({ state }: Call<Ec2State>, input: sdk.DetachNetworkInterfaceCommandInput, answer: Answer<object>): Promise<object> {
  const id = (input.AttachmentId ?? '').replace(/^ela-attach-/, 'eni-');
  if (state.interfaces.of(id) !== undefined) awsError('OperationNotPermitted', "You are not allowed to manage 'ela-attach' attachments.", 400);
  return answer();
}

async function deleteGroup({ state }: Call<Ec2State>, input: sdk.DeleteSecurityGroupCommandInput, answer: Answer<object>): Promise<object> {
  const id = input.GroupId;
  if (id !== undefined && (await dependentsOfGroup(state.ec2, id)).length > 0) {
    awsError('DependencyViolation', `resource ${id} has a dependent object`, 400);
  }
  return answer();
}

async function deleteSubnet({ state }: Call<Ec2State>, input: sdk.DeleteSubnetCommandInput, answer: Answer<object>): Promise<object> {
  const id = input.SubnetId ?? '';
  if ((await dependentsOfSubnet(state.ec2, id)).length > 0) {
    awsError('DependencyViolation', `The subnet '${id}' has dependencies and cannot be deleted.`, 400);
  }
  return answer();
}

/** Answers a refusal of moto's as the gateway's own. */
async function asAws<Output>(asked: Promise<Output>): Promise<Output> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof sdk.EC2ServiceException) awsError(error.name, error.message, error.$metadata.httpStatusCode);
    throw error;
  }
}
