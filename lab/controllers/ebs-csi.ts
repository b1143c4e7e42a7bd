// Stands in for the EBS CSI driver with its provisioner and attacher: a volume in EC2 for each claim of its classes, with
// the driver's tags; bound, attached, and deleted with its claim (teardown failure 10: dead before the volumes, it leaks them).
import { AttachVolumeCommand, CreateVolumeCommand, DeleteVolumeCommand, DescribeVolumesCommand, DetachVolumeCommand, EC2Client, type Volume, type VolumeType } from '@aws-sdk/client-ec2';
import { type AwsSettings, clientPerDeployment } from './irsa.ts';
import { argumentOf, NODE, pairs } from './kinds.ts';
import { KubeError, type Kind, type Kube, type Resource } from './kube.ts';
import { tagList } from './load-balancer/security-groups.ts';
import { handles, type StandIn, type World } from './runner.ts';

interface Claim extends Resource {
  spec: { storageClassName?: string; volumeName?: string; accessModes?: string[]; volumeMode?: string; resources?: { requests?: { storage?: string } } };
  status?: { phase?: string };
}
interface PersistentVolume extends Resource {
  spec: {
    capacity: { storage: string }; accessModes: string[]; volumeMode: string; persistentVolumeReclaimPolicy: string; storageClassName: string;
    csi?: { driver: string; volumeHandle: string; fsType?: string; volumeAttributes?: Record<string, string> };
    claimRef?: object; nodeAffinity?: object;
  };
  status?: { phase?: string };
}
interface StorageClass extends Resource { provisioner: string; volumeBindingMode?: string; reclaimPolicy?: string; parameters?: Record<string, string> }
interface Attachment extends Resource {
  spec: { attacher: string; nodeName: string; source: { persistentVolumeName?: string } };
  status?: { attached: boolean };
}

const DRIVER = 'ebs.csi.aws.com';
const CLAIM: Kind<Claim> = { group: '', version: 'v1', plural: 'persistentvolumeclaims', kind: 'PersistentVolumeClaim', namespaced: true };
const VOLUME: Kind<PersistentVolume> = { group: '', version: 'v1', plural: 'persistentvolumes', kind: 'PersistentVolume', namespaced: false };
const CLASS: Kind<StorageClass> = { group: 'storage.k8s.io', version: 'v1', plural: 'storageclasses', kind: 'StorageClass', namespaced: false };
const ATTACHMENT: Kind<Attachment> = { group: 'storage.k8s.io', version: 'v1', plural: 'volumeattachments', kind: 'VolumeAttachment', namespaced: false };
const PROVISIONER_FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer';
const ATTACHER_FINALIZER = 'external-attacher/ebs-csi-aws-com';
/** How soon to look again at a volume that EC2 is still creating, or that is still attached. */
const LOOK_MS = 500;
const GIB = 2 ** 30;
const UNITS: Record<string, number> = { '': 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: GIB, Ti: 2 ** 40, k: 1e3, M: 1e6, G: 1e9, T: 1e12 };

/** The EBS CSI driver of one cluster. */
export function ebsCsi(settings: AwsSettings, clusterName: string): StandIn {
  const clients = clientPerDeployment(settings, (configuration) => new EC2Client(configuration));
  return {
    name: 'aws-ebs-csi-driver',
    deployment: { namespace: 'kube-system', name: 'ebs-csi-controller' },
    handlers: [
      handles(CLAIM, async (world, claim) => provision(world, clients.of(world.kube, world.deployment), clusterName, claim)),
      handles(VOLUME, async (world, volume) => reclaim(world.kube, clients.of(world.kube, world.deployment), volume)),
      handles(ATTACHMENT, async (world, attachment) => attach(world, clients.of(world.kube, world.deployment), attachment)),
    ],
    stop: () => {
      clients.stop();
    },
  };
}

/** A pending claim of one of the driver's classes gets a volume, once the scheduler has chosen a node where the class waits for that. */
async function provision({ kube, deployment }: World, ec2: EC2Client, clusterName: string, claim: Claim): Promise<number | undefined> {
  const { metadata, spec, status } = claim;
  if (metadata.deletionTimestamp !== undefined || spec.volumeName !== undefined || status?.phase !== 'Pending' || spec.storageClassName === undefined) return undefined;
  const storageClass = await kube.get(CLASS, { name: spec.storageClassName });
  if (storageClass?.provisioner !== DRIVER) return undefined;
  const selected = metadata.annotations?.['volume.kubernetes.io/selected-node'];
  if (storageClass.volumeBindingMode === 'WaitForFirstConsumer' && selected === undefined) return undefined;
  const zone = await zoneFor(kube, selected);
  const name = `pvc-${metadata.uid ?? ''}`;
  const size = Math.ceil(bytes(spec.resources?.requests?.storage ?? '1Gi') / GIB);
  const extra = pairs(argumentOf(deployment, 'ebs-plugin', 'extra-tags'));
  const volume = (await volumeNamed(ec2, name)) ?? (await ec2.send(new CreateVolumeCommand({
    AvailabilityZone: zone, Size: size, VolumeType: volumeType(storageClass), Encrypted: storageClass.parameters?.['encrypted'] === 'true',
    TagSpecifications: [{ ResourceType: 'volume', Tags: tagList({ ...volumeTags(name, clusterName, claim), ...extra, ...classTags(storageClass, claim, name) }) }],
  })));
  if (volume.State === 'creating') return LOOK_MS;
  await createVolumeObject(kube, claim, storageClass, { name, handle: volume.VolumeId ?? '', zone, size });
  return undefined;
}

/** The selected node's zone; for a class that binds at once, the first node's. */
async function zoneFor(kube: Kube, selected: string | undefined): Promise<string> {
  const node = selected === undefined ? (await kube.list(NODE)).items[0] : await kube.get(NODE, { name: selected });
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'];
  if (zone === undefined) throw new Error(`node ${selected ?? '(any)'} names no zone`);
  return zone;
}

async function volumeNamed(ec2: EC2Client, name: string): Promise<Volume | undefined> {
  const { Volumes = [] } = await ec2.send(new DescribeVolumesCommand({ Filters: [{ Name: 'tag:CSIVolumeName', Values: [name] }] }));
  return Volumes[0];
}

function volumeType({ parameters }: StorageClass): VolumeType {
  const type = parameters?.['type'] ?? 'gp3';
  const known: Record<string, VolumeType> = { gp2: 'gp2', gp3: 'gp3', io1: 'io1', io2: 'io2', st1: 'st1', sc1: 'sc1' };
  const found = known[type];
  if (found === undefined) throw new Error(`${type} is no volume type of EBS`);
  return found;
}

/** The driver's own tags. Source: kubernetes-sigs/aws-ebs-csi-driver, docs/tagging.md and docs/options.md (--k8s-tag-cluster-id). */
function volumeTags(name: string, clusterName: string, { metadata }: Claim): Record<string, string> {
  return {
    Name: `${clusterName}-dynamic-${name}`,
    CSIVolumeName: name,
    KubernetesCluster: clusterName,
    [`kubernetes.io/cluster/${clusterName}`]: 'owned',
    'ebs.csi.aws.com/cluster': 'true',
    'kubernetes.io/created-for/pvc/name': metadata.name,
    'kubernetes.io/created-for/pvc/namespace': metadata.namespace ?? 'default',
    'kubernetes.io/created-for/pv/name': name,
  };
}

/** Tags of the class: parameters `tagSpecification_<n>: key=value`, with the claim's names filled in. */
function classTags({ parameters = {} }: StorageClass, { metadata }: Claim, name: string): Record<string, string> {
  const fill = (text: string) => text.replaceAll('{{ .PVCName }}', metadata.name).replaceAll('{{ .PVCNamespace }}', metadata.namespace ?? '').replaceAll('{{ .PVName }}', name);
  const specified = Object.entries(parameters).filter(([key]) => key.startsWith('tagSpecification_'));
  return Object.fromEntries(specified.flatMap(([, pair]) => Object.entries(pairs(fill(pair)))));
}

async function createVolumeObject(kube: Kube, { metadata, spec }: Claim, storageClass: StorageClass, made: { name: string; handle: string; zone: string; size: number }): Promise<void> {
  const volume: Omit<PersistentVolume, 'apiVersion' | 'kind'> = {
    metadata: { name: made.name, annotations: { 'pv.kubernetes.io/provisioned-by': DRIVER }, finalizers: [PROVISIONER_FINALIZER] },
    spec: {
      capacity: { storage: `${made.size}Gi` },
      accessModes: spec.accessModes ?? ['ReadWriteOnce'],
      volumeMode: spec.volumeMode ?? 'Filesystem',
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name,
      csi: { driver: DRIVER, volumeHandle: made.handle, fsType: 'ext4', volumeAttributes: { 'storage.kubernetes.io/csiProvisionerIdentity': DRIVER } },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name: metadata.name, namespace: metadata.namespace, uid: metadata.uid, resourceVersion: metadata.resourceVersion },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values: [made.zone] }] }] } },
    },
  };
  try {
    await kube.create(VOLUME, volume);
  } catch (error) {
    // Made by an earlier look whose event had not come back yet.
    if (!(error instanceof KubeError && error.reason === 'AlreadyExists')) throw error;
  }
}

/** A released volume of the driver is deleted in EC2, then as an object; EC2 refuses while it is attached, and that is awaited. */
async function reclaim(kube: Kube, ec2: EC2Client, { metadata, spec, status }: PersistentVolume): Promise<number | undefined> {
  if (metadata.annotations?.['pv.kubernetes.io/provisioned-by'] !== DRIVER || spec.csi?.driver !== DRIVER) return undefined;
  if (status?.phase !== 'Released' && status?.phase !== 'Failed') return undefined;
  if (spec.persistentVolumeReclaimPolicy !== 'Delete' || metadata.finalizers?.includes(PROVISIONER_FINALIZER) !== true) return undefined;
  try {
    await unlessGone(ec2.send(new DeleteVolumeCommand({ VolumeId: spec.csi.volumeHandle })));
  } catch (error) {
    if (error instanceof Error && error.name === 'VolumeInUse') return LOOK_MS;
    throw error;
  }
  await kube.remove(VOLUME, metadata);
  const left = await kube.get(VOLUME, metadata);
  if (left === undefined) return undefined;
  await kube.patch(VOLUME, metadata, { metadata: { resourceVersion: left.metadata.resourceVersion, finalizers: (left.metadata.finalizers ?? []).filter((name) => name !== PROVISIONER_FINALIZER) } });
  return undefined;
}

/** Attaches the volume to the node's instance, or takes it off again. */
async function attach({ kube, known }: World, ec2: EC2Client, { metadata, spec, status }: Attachment): Promise<undefined> {
  if (spec.attacher !== DRIVER) return undefined;
  const finalizers = metadata.finalizers ?? [];
  const handle = known(VOLUME).find((volume) => volume.metadata.name === spec.source.persistentVolumeName)?.spec.csi?.volumeHandle;
  if (metadata.deletionTimestamp !== undefined) {
    if (!finalizers.includes(ATTACHER_FINALIZER)) return undefined;
    if (handle !== undefined) await unlessGone(detach(ec2, handle));
    await kube.patch(ATTACHMENT, metadata, { metadata: { resourceVersion: metadata.resourceVersion, finalizers: finalizers.filter((name) => name !== ATTACHER_FINALIZER) } });
    return undefined;
  }
  if (status?.attached === true) return undefined;
  if (handle === undefined) throw new Error(`volume ${spec.source.persistentVolumeName ?? ''} has no handle yet`);
  if (!finalizers.includes(ATTACHER_FINALIZER)) await kube.patch(ATTACHMENT, metadata, { metadata: { finalizers: [...finalizers, ATTACHER_FINALIZER] } });
  const instance = (await kube.get(NODE, { name: spec.nodeName }))?.spec?.providerID?.split('/').at(-1);
  const { Volumes: [volume] = [] } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [handle] }));
  if (!(volume?.Attachments?.some(({ InstanceId }) => InstanceId === instance) ?? false)) await ec2.send(new AttachVolumeCommand({ VolumeId: handle, InstanceId: instance, Device: deviceName(handle) }));
  await kube.patch(ATTACHMENT, metadata, { status: { attached: true, attachmentMetadata: { devicePath: deviceName(handle) } } }, 'status');
  return undefined;
}

/** Takes the volume off whatever it is attached to. */
async function detach(ec2: EC2Client, handle: string): Promise<void> {
  const { Volumes: [volume] = [] } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [handle] }));
  for (const { InstanceId, Device } of volume?.Attachments ?? []) await ec2.send(new DetachVolumeCommand({ VolumeId: handle, InstanceId, Device }));
}

/** One of the device names that EBS allows, the same for a volume each time. */
function deviceName(handle: string): string {
  const code = Buffer.from(handle).reduce((sum, byte) => sum + byte, 0);
  return `/dev/xvd${'bcdefghijklmnopqrstuvwxyz'[code % 25] ?? 'b'}${'abcdefghijklmnopqrstuvwxyz'[Math.floor(code / 25) % 26] ?? 'a'}`;
}

/** Volumes and attachments that are not there need no deleting: `InvalidVolume.NotFound`, and `IncorrectState` for a detached one. */
async function unlessGone(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof Error && (error.name === 'InvalidVolume.NotFound' || error.name === 'IncorrectState' || error.name === 'InvalidAttachment.NotFound'))) throw error;
  }
}

/** A Kubernetes quantity of storage in bytes. */
function bytes(quantity: string): number {
  const [, amount = '0', unit = ''] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(quantity) ?? [];
  const factor = UNITS[unit];
  if (factor === undefined) throw new Error(`${quantity} is no quantity of storage`);
  return Number(amount) * factor;
}
