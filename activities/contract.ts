// What the workflows may ask of the world, by what a second attempt could do (architecture.md § Temporal conventions). Each interface is implemented in the file of its system.
import type { ApplicationState } from '../domain/applications.ts';
import type { AuditEntry } from '../domain/audit.ts';
import type { Approval, BreakGlass, DecisionClaims, DecisionInput, DecisionRequest, Signature } from '../domain/break-glass.ts';
import type { Component } from '../domain/components.ts';
import type { Permit, ZoneListing } from '../domain/dns-gate.ts';
import type { KnownNames } from '../domain/dns-records.ts';
import type { ExternalDnsState } from '../domain/external-dns.ts';
import type { CheckResult, FoundationReadings } from '../domain/foundation.ts';
import type { Tier2Readings } from '../domain/foundation-tier-2.ts';
import type { Plan, Target } from '../domain/plan.ts';
import type { FoundObject, Memory, OrphanScope, PlatformRecords } from '../domain/orphans.ts';
import type { Protection } from '../domain/protections.ts';
import type { Removal } from '../domain/removal.ts';
import type { OwnedObject, Receipt, Residue } from '../domain/report.ts';
import type { InTheWay } from '../domain/teardown.ts';
import type { Tier } from '../domain/tiers.ts';
import type { Wait } from '../domain/timings.ts';
import type { AddonName } from '../domain/versions.ts';

/** The zone's half of the foundation readings; the rest is read without Route 53. */
export type ZoneReadings = Pick<FoundationReadings, 'zone' | 'delegation' | 'recordsInScope' | 'takenHosts'>;
export type CoreReadings = Omit<FoundationReadings, keyof ZoneReadings>;

/** An operation that was started at `startedAt` (ms) and is looked after until it is due. A miss is NotReady with the delay that `nextProbeMs` gives. */
export interface Waiting {
  target: Target;
  startedAt: number;
  wait: Wait;
}

export interface ClusterFacts {
  arn: string;
  version: string;
  endpoint: string;
  oidcIssuer: string;
  vpcId: string;
  clusterSecurityGroupId: string;
}

/** What a platform consists of now, by ownership tag and by what EKS itself lists of its cluster (X5). */
export interface Inventory {
  cluster: { arn: string; status: string; oidcIssuer?: string | undefined; deletionProtection: boolean; nodeGroups: string[]; fargateProfiles: string[]; addons: string[] } | null;
  /** Whether the Kubernetes API answered; `none` where there is no cluster whose API could. An API that ought to answer and does not is an error, not a value. */
  kubernetes: 'answers' | 'none';
  argocd: boolean;
  applications: ApplicationState[];
  objects: OwnedObject[];
  /** What protects the platform, but for its records, which `listRecordProtections` reads (item 9; failures 2, 8, 21, 27). */
  protections: Protection[];
  /** Absent where there is no Kubernetes API, and in what runs of earlier versions read. */
  inTheWay?: InTheWay;
}

/** A disk that a PersistentVolume leaves behind on purpose. */
export interface KeptDisk extends OwnedObject {
  why: string;
}

export interface RegistryMemory {
  recordedZoneId: string | null;
  claimed: boolean;
  ledger: OwnedObject[];
  /** How the plan's approvers differ from the worker's own file; absent where that was not asked, and in what runs of earlier versions read. */
  policyProblems?: string[];
}

/** A way to destroy is opened only by a proof, or by a decision to leave exactly what is listed (teardown.md § The invariant). `demandPermit` in domain/dns-gate.ts judges it. */
export interface Destroying {
  target: Target;
  permit: Permit;
  /** Whose signatures count, and where the call is put on record before it is made (B2). */
  breakGlass: BreakGlass;
  registry: Plan['registry'];
  planHash: string;
  proofMaxAgeMs: number;
  cleanListings: number;
}

/** A decision that is acted on: judged and checked anew by activities/guard.ts (B1, B2). */
export interface Deciding {
  target: Target;
  request: DecisionRequest;
  approvals: Approval[];
  breakGlass: BreakGlass;
  registry: Plan['registry'];
  planHash: string;
}

/** What a teardown finds in the cluster to remove, beside the applications: for the preview (X5, item 8). */
export interface DrainObjects {
  /** By application, the objects that it manages: `Deployment kong/kong`. Those that it leaves (CRDs, `Delete=false`) included. */
  managed: Record<string, string[]>;
  /** Claims of cloud volumes. */
  claims: string[];
  /** Volumes whose disks stay, each with the reason. */
  keptVolumes: string[];
}

/** Reads, once each; a failed read is an error, never an empty answer. */
export interface Probes {
  readCore(input: { plan: Plan }): Promise<CoreReadings>;
  /** What only tiers 2 and 3 need: database, logins, bucket. No platform below them is asked for it (F4). */
  readTier2Foundation(input: { plan: Plan }): Promise<Tier2Readings>;
  /** Cluster ACTIVE. Throws NotReady, or TerminalState with EKS's own health issues. */
  probeCluster(input: Waiting): Promise<ClusterFacts>;
  /** Cluster neither created nor updated just now, or gone. Throws NotReady. */
  probeClusterSettled(input: Waiting): Promise<void>;
  probeNodeGroup(input: Waiting & { desired: number }): Promise<{ arn: string; instances: number }>;
  /** All of these add-ons ACTIVE. */
  probeAddons(input: Waiting & { addons: AddonName[] }): Promise<OwnedObject[]>;
  /** Tier 0's acceptance, each point with what was found (C3). NotReady while a point fails. */
  probeTier0(input: Waiting & { nodes: number }): Promise<CheckResult[]>;
  probeArgoCd(input: Waiting): Promise<{ version: string }>;
  /** The gate that the root application holds now; null where there is none. */
  readGate(input: { target: Target }): Promise<{ maxTier: Tier | null }>;
  /** T2: checks before a tier is raised; failing checks are returned, not thrown. `needs`: of tiers 2 and 3. */
  preflightTier(input: { target: Target; tier: Tier; desiredNodes: number; needs?: Pick<Plan, 'databases' | 'objectStorage'> }): Promise<CheckResult[]>;
  /** T3 without DNS: each point with evidence and, for tier 1, the ingress's address. NotReady while a point fails. */
  probeAcceptance(input: Waiting & { tier: Tier }): Promise<{ checks: CheckResult[]; ingressAddress: string }>;
  /** The load balancer behind the platform's address takes traffic: ELBv2 calls it active. NotReady until then; TerminalState where it failed. */
  probeLoadBalancerActive(input: Waiting & { address: string }): Promise<CheckResult[]>;
  /** `withoutKubernetes`: AWS alone is asked, because people gave the cluster's API up. */
  readInventory(input: { target: Target; withoutKubernetes?: boolean }): Promise<Inventory>;
  /** What the registry remembers: the recorded zone id (F3), whether the build id was ever claimed, and every object that the receipts of the cluster's runs name, whatever its tags say now. With `policy`, the plan's, also how it differs from what the worker itself holds. */
  readRegistry(input: { target: Target; registry: Plan['registry']; policy?: BreakGlass }): Promise<RegistryMemory>;
  /** `roleProblems`: why its IAM role could not delete the platform's records (role or policy gone, zone or names not covered); empty when it can. */
  readExternalDns(input: { target: Target }): Promise<{ state: ExternalDnsState; expectedRoleArn: string; roleProblems: string[] }>;
  readApplications(input: { target: Target }): Promise<ApplicationState[]>;
  readDrainObjects(input: { target: Target }): Promise<DrainObjects>;
  /** The foundation of the environment, by tag: what every teardown leaves alone. */
  readFoundation(input: { target: Target }): Promise<OwnedObject[]>;
  /** What an answer says and what its signature is worth (B2). `claims` is null where it cannot be read. Never throws for what was given: a refusal is put on record by the workflow. */
  verifyDecision(input: { decision: DecisionInput; policy: BreakGlass; target: Target }): Promise<{ claims: DecisionClaims | null; signature: Signature }>;
  /** DNS sources that still exist: `Ingress ns/name`, `Service ns/name`, … */
  listDnsSources(input: { target: Target }): Promise<string[]>;
  /** No load balancer and no target group of the cluster left in ELBv2, by the tags `elbv2.k8s.aws/cluster` and `kubernetes.io/cluster/<name>` (failure 22). Throws NotReady and names what is left. */
  probeLoadBalancersGone(input: Waiting): Promise<void>;
  /** No EBS volume of the cluster but those whose ids are in `kept`. Throws NotReady. */
  probeVolumesGone(input: Waiting & { kept: string[] }): Promise<void>;
  /** Load balancers' ENIs and security groups of the cluster gone (failures 23, 24). */
  probeNetworkGone(input: Waiting): Promise<void>;
  probeNodeGroupsGone(input: Waiting): Promise<void>;
  probeClusterGone(input: Waiting): Promise<void>;
  /** Whatever still carries the cluster's tag or is known by ledger, each hit confirmed by its own service's Describe (failures 30, 32, 39, 40). */
  sweep(input: { target: Target; ledger: OwnedObject[]; oidcIssuer?: string | undefined }): Promise<Residue[]>;
}

/** Heartbeating activities that watch the Kubernetes API until something holds. Bounded by their start-to-close timeout; a worker's death shows by the missing heartbeat. They resume by reading afresh. */
export interface Waits {
  /** Until `tierVerdict` is settled (T1). Returns one line of evidence an application. Heartbeats what is awaited. */
  awaitTier(input: { target: Target; tier: Tier; expected: Component[] }): Promise<string[]>;
  /** T3 of tiers 2 and 3: what only a pod can ask, each check with its evidence, passed or not. `image`: this product's own, by digest. */
  awaitAcceptanceJob(input: { target: Target; tier: Tier; image: string | undefined; deadlineMs: number }): Promise<CheckResult[]>;
  /** Until none of these applications exists. */
  awaitApplicationsGone(input: { target: Target; names: string[] }): Promise<string[]>;
  /** Until a few readings in a row show no DNS source (failure 1). */
  awaitDnsSourcesGone(input: { target: Target }): Promise<string[]>;
}

/** Changes; each describes before it creates, so that a second attempt finds what the first one made. */
export interface Changes {
  /** Registers the build id and the zone id in the registry, write-once. InvalidInput where another run holds them. */
  claimBuild(input: { target: Target; registry: Plan['registry']; planHash: string; runId: string; requester: string }): Promise<{ key: string }>;
  ensureLogGroup(input: { target: Target }): Promise<OwnedObject[]>;
  ensureClusterRoles(input: { target: Target }): Promise<{ clusterRoleArn: string; nodeRoleArn: string; owned: OwnedObject[] }>;
  startCluster(input: { target: Target; version: string; clusterRoleArn: string }): Promise<OwnedObject[]>;
  /** OIDC provider and every IRSA role, whose trust names the issuer (C1, C2). */
  ensureIrsaRoles(input: { target: Target; oidcIssuer: string; secrets: Plan['secrets']; objectStorage?: Plan['objectStorage'] }): Promise<{ roleArns: Record<string, string>; owned: OwnedObject[] }>;
  startNodeGroup(input: { target: Target; nodeGroup: Plan['nodeGroup']; nodeRoleArn: string }): Promise<OwnedObject[]>;
  ensureAddon(input: { target: Target; addon: AddonName; version: string; roleArn?: string | undefined }): Promise<OwnedObject[]>;
  /** Namespace argocd, default StorageClass, CRDs of pinned manifests, before anything of their kind (A1). One line of evidence each. */
  applyPrerequisites(input: { target: Target; manifests: Plan['versions']['manifests'] }): Promise<string[]>;
  installArgoCd(input: { target: Target; manifest: Plan['versions']['manifests']['argocd'] }): Promise<string[]>;
  /** Admission policies, seen to refuse (G1), ConfigMap argocd-bootstrap-config and the root application with its Helm parameters at this gate (A3). Idempotent; raising the gate is this with a higher tier. */
  applyRootApplication(input: { target: Target; maxTier: Tier; gitops: Plan['gitops']; images: Plan['versions']['images']; externalDns: Plan['externalDns']; roleArns: Record<string, string>; vpcId: string } & Pick<Plan, 'databases' | 'objectStorage' | 'tls' | 'backstage'>): Promise<string[]>;
  /** Root first, then children: no automated sync left, and the cascading finalizer on each (failures 1, 2). */
  freezeGitOps(input: { target: Target }): Promise<string[]>;
  /**
   * Takes off the protections of the request that EKS, ELBv2, Kubernetes and Argo CD hold, once it was put on record. Returns what was done.
   * Throws ProofMissing where the decision does not cover it, PreflightFailed where a protection is found that nobody decided on; then nothing was changed.
   * `withoutKubernetes` as in `readInventory`.
   */
  liftProtections(input: Deciding & { withoutKubernetes?: boolean }): Promise<string[]>;
  /**
   * Takes ExternalDNS's role its permissions, where people decided to go on without the Kubernetes API; once that was put on record. Returns what was taken.
   * Throws ProofMissing where the decision is not about that.
   */
  revokeExternalDns(input: Deciding): Promise<string[]>;
  deleteApplications(input: { target: Target; names: string[] }): Promise<string[]>;
  /** Deletes Ingresses, LoadBalancer Services, Gateways and DNSEndpoints; returns what was deleted. */
  deleteDnsSources(input: { target: Target }): Promise<string[]>;
  /** Write-once at `auditKey(entry, name)`; a second attempt at the same entry finds it written (B2). */
  recordAudit(input: { registry: Plan['registry']; entry: AuditEntry; name: string }): Promise<{ key: string }>;
  /** Write-once at `receipts/<environment>/<cluster>/<name>.json` (O2); `name` is the run id, with `-sweep-N` for a late sweep and `-interrupted` for a bootstrap that a teardown took over. */
  writeReceipt(input: { target: Target; registry: Plan['registry']; name: string; receipt: Receipt }): Promise<{ key: string }>;
}

/** Destroying calls: each goes through activities/guard.ts before anything else. NotFound on delete is success. */
export interface Destroyers {
  /** `kept`: EBS volumes that outlive their claims by their reclaim policy; nothing waits for them. */
  deleteVolumes(input: Destroying): Promise<{ done: string[]; kept: KeptDisk[] }>;
  /** Argo CD's own objects, once no Application is left, until its pods have ended. Namespace and CRDs go with the cluster. */
  removeArgoCd(input: Destroying & { manifest: Plan['versions']['manifests']['argocd'] }): Promise<string[]>;
  /** Deletes the tier 1 applications named, highest wave first. */
  deleteControllers(input: Destroying & { names: string[] }): Promise<string[]>;
  startDeleteNodeGroups(input: Destroying): Promise<string[]>;
  startDeleteCluster(input: Destroying): Promise<string[]>;
  /** IRSA and cluster roles, policies, OIDC provider, by ownership tag, after the cluster (failure 28). */
  deleteIdentity(input: Destroying & { oidcIssuer?: string | undefined }): Promise<string[]>;
  /** Log groups and left-over CNI ENIs and security groups of the cluster, by tag. */
  deleteLeftovers(input: Destroying): Promise<string[]>;
  /** Load balancers, then target groups, by the tags of their controllers and ours; deletion protection is respected (failures 21, 22). For a cluster that lives as well: whoever calls this has made sure that no controller makes them again. */
  deleteLoadBalancers(input: Destroying): Promise<Removal>;
  /** The next four throw Conflict while EKS has the cluster. What is tagged for another cluster besides is left alone. */
  deleteOrphanInstances(input: Destroying): Promise<Removal>;
  /** As deleteLeftovers, object by object. */
  deleteOrphanNetwork(input: Destroying): Promise<Removal>;
  /** `kept`: ids of volumes that are left alone, because an earlier run told of them as left: their data may be wanted. */
  deleteOrphanVolumes(input: Destroying & { kept: string[] }): Promise<Removal>;
  /** As deleteIdentity, object by object; providers by tag alone. */
  deleteOrphanIdentity(input: Destroying): Promise<Removal>;
}

/** Looks at a whole account, region and environment: complete or an error, never a part (X5, failure 36). They make many calls and heartbeat. */
export interface Surveys {
  /** Of every platform that the registry knows by claim or receipt: what its last receipt says. */
  readMemories(input: { environment: string; registry: Plan['registry'] }): Promise<Memory[]>;
  /**
   * The clusters that EKS lists, and what is tagged for other ones of the environment, each confirmed by its own service. `remembered` objects are looked for too.
   * PreflightFailed where the caller's account is not the environment's.
   */
  surveyAccount(input: { environment: string; accountId: string; remembered: { cluster: string; objects: OwnedObject[] }[] }): Promise<{ living: string[]; objects: FoundObject[] }>;
  /** Whether EKS has each cluster, whoever's it is: false only by its typed NotFound. */
  readClusters(input: { clusters: string[] }): Promise<{ cluster: string; exists: boolean }[]>;
  /** The run in flight under each workflow id, or null where Temporal says that there is none. */
  readRuns(input: { workflowIds: string[] }): Promise<{ workflowId: string; run: { type: string; runId: string } | null }[]>;
}

/** The same for a hosted zone, on Route 53's queue. */
export interface ZoneSurveys {
  /** The records of every platform that the zone knows of, except those among `living`. PreflightFailed where the hosted zone has another name than the environment's. */
  surveyZone(input: { scope: OrphanScope; hostedZoneId: string; living: string[] }): Promise<PlatformRecords[]>;
}

/** Route 53, on its own rate-limited task queue: a fleet of teardowns cannot starve ExternalDNS. */
export interface ZoneProbes {
  readZone(input: { target: Target }): Promise<ZoneReadings>;
  /** Every page of the zone, or an error; never part of it. */
  listZone(input: { target: Target; known?: KnownNames }): Promise<ZoneListing>;
  /** The record set protections on the platform's names (failure 41). Every page, or an error. */
  listRecordProtections(input: { target: Target }): Promise<Protection[]>;
  /** The hosts' records exist, with our registry TXT, and point at the ingress (T3). NotReady and the missing ones otherwise. */
  probeHostRecords(input: Waiting & { hosts: string[]; ingressAddress: string }): Promise<CheckResult[]>;
}

/** Break-glass in Route 53, on the same queue. */
export interface ZoneRepairs {
  /**
   * Deletes exactly the records of the request, with the values that Route 53 lists, each before the TXT that registers it, and waits until the change is INSYNC (D4, failure 17).
   * Throws ProofMissing where the decision does not cover it, DnsRecordsRemain where the list is not the one that was decided on; then nothing was changed.
   */
  repairRecords(input: Deciding & { known?: KnownNames }): Promise<string[]>;
  /** The same as `liftProtections`, for record set protections (failure 41). */
  liftRecordProtections(input: Deciding): Promise<string[]>;
}

export type PlatformActivities = Probes & Waits & Changes & Destroyers;
