// Network interfaces that AWS services put into a VPC: EKS control planes, load balancers. They are real interfaces in
// moto; what moto cannot say of them (who asked for them, that they are in use) is remembered here. (teardown.md, failure 23)
import {
  CreateNetworkInterfaceCommand, DeleteNetworkInterfaceCommand,
  type EC2Client, type NetworkInterface, type NetworkInterfaceType, type Tag,
} from '@aws-sdk/client-ec2';

export interface ServiceInterface {
  /** AWS's id of the service, e.g. `amazon-elb`; ends up as RequesterId. */
  requesterId: string;
  /** True where only the service may touch the interface. */
  requesterManaged: boolean;
  interfaceType: NetworkInterfaceType;
  attachmentOwner: string;
}

export interface InterfaceSpec extends ServiceInterface {
  subnetId: string;
  securityGroupIds: readonly string[];
  description: string;
  tags?: Record<string, string>;
}

/** The interfaces of services, by id. */
export interface ServiceInterfaces {
  create(spec: InterfaceSpec): Promise<string>;
  /** Deletes an interface; one that is gone is no error. */
  remove(id: string): Promise<void>;
  of(id: string): ServiceInterface | undefined;
}

/** Keeps the service interfaces of one account in moto's EC2. */
export function createServiceInterfaces(ec2: EC2Client): ServiceInterfaces {
  const known = new Map<string, ServiceInterface>();
  return {
    async create({ subnetId, securityGroupIds, description, tags = {}, ...service }) {
      const { NetworkInterface: made } = await ec2.send(new CreateNetworkInterfaceCommand({
        SubnetId: subnetId,
        Groups: [...securityGroupIds],
        Description: description,
        TagSpecifications: [{ ResourceType: 'network-interface', Tags: toTags(tags) }],
      }));
      const id = made?.NetworkInterfaceId;
      if (id === undefined) throw new Error(`moto made no interface in ${subnetId}`);
      known.set(id, service);
      return id;
    },
    async remove(id) {
      try {
        await ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: id }));
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'InvalidNetworkInterfaceID.NotFound') throw error;
      }
      known.delete(id);
    },
    of: (id) => known.get(id),
  };
}

/** The interface as AWS shows it: moto's, with its service, attachment and status put right. */
export function dressed(eni: NetworkInterface, service: ServiceInterface | undefined): NetworkInterface {
  if (service === undefined) return eni;
  return {
    ...eni,
    Status: 'in-use',
    RequesterId: service.requesterId,
    RequesterManaged: service.requesterManaged,
    InterfaceType: service.interfaceType,
    Attachment: {
      AttachmentId: `ela-attach-${(eni.NetworkInterfaceId ?? '').slice(4)}`,
      DeleteOnTermination: false,
      DeviceIndex: 1,
      InstanceOwnerId: service.attachmentOwner,
      Status: 'attached',
    },
  };
}

/** A record of tags as EC2's list. */
export function toTags(tags: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
