// Can the ExternalDNS that is deployed delete the platform's records? Asked before anything is drained (failure 13, D2).
import { TXT_PREFIX, TXT_WILDCARD_REPLACEMENT } from './dns-records.ts';
import type { Target } from './plan.ts';

/** What the cluster says of its ExternalDNS. */
export interface ExternalDnsState {
  /** undefined: there is no Deployment. */
  deployment?: { args: string[]; replicas: number; available: number; serviceAccountRoleArn?: string | undefined };
}

/** The arguments the contract fixes (D2); each is compared exactly. */
export function contractedArgs({ ownerId, hostSuffix, hostedZoneId }: Pick<Target, 'ownerId' | 'hostSuffix' | 'hostedZoneId'>): string[] {
  return [
    '--source=ingress',
    '--source=service',
    '--provider=aws',
    '--policy=sync',
    '--registry=txt',
    `--txt-owner-id=${ownerId}`,
    `--txt-prefix=${TXT_PREFIX}`,
    `--txt-wildcard-replacement=${TXT_WILDCARD_REPLACEMENT}`,
    `--domain-filter=${hostSuffix}`,
    '--aws-zone-match-parent',
    // The parent of the zone matches the filter too, and the role may not read it: without this one ExternalDNS fails whole.
    `--zone-id-filter=${hostedZoneId}`,
  ];
}

/** Why a drain can do without ExternalDNS, or undefined where records hang on it. */
export function whyNoExternalDns({ records, sources, enabled, kubernetes }: { records: number; sources: number; enabled: boolean; kubernetes: 'answers' | 'none' }): string | undefined {
  if (records === 0 && sources === 0) return 'no source and no record: nothing for ExternalDNS to do';
  if (records === 0 && !enabled) return 'the environment has no ExternalDNS, and there is no record';
  return kubernetes === 'none' ? 'there is no Kubernetes API to drain; the DNS gate decides' : undefined;
}

/** Argo CD puts the Deployment back as Git has it; GitOps is not frozen yet when this is asked. */
const RESTORE = 'Fix: let Argo CD restore it: kubectl -n argocd annotate application external-dns argocd.argoproj.io/refresh=hard --overwrite';
const CONTRACTED_KEYS = new Set(['--policy', '--txt-owner-id', '--domain-filter', '--zone-id-filter', '--exclude-domains', '--regex-domain-filter', '--dry-run', '--once', '--txt-suffix']);

/** Why ExternalDNS cannot be relied on to delete the records, one line each with the command that helps; empty when it can. */
export function externalDnsProblems(state: ExternalDnsState, target: Pick<Target, 'ownerId' | 'hostSuffix' | 'hostedZoneId' | 'cluster' | 'accountId'>, externalDnsRoleArn: string): string[] {
  const { deployment } = state;
  if (deployment === undefined) return [`there is no ExternalDNS Deployment in namespace external-dns: its records would stay for ever. ${RESTORE}`];
  const { args, replicas, available, serviceAccountRoleArn } = deployment;
  const contracted = contractedArgs(target);
  const problems: string[] = [];
  if (replicas < 1) problems.push('ExternalDNS is scaled to 0. Fix: kubectl -n external-dns scale deployment external-dns --replicas=1');
  else if (available < 1) problems.push('no replica of ExternalDNS is available. Fix: see why: kubectl -n external-dns describe pods; kubectl -n external-dns logs deployment/external-dns');
  for (const arg of contracted) if (!args.includes(arg)) problems.push(`ExternalDNS runs without ${arg}${valueOf(args, arg)}. ${RESTORE}`);
  for (const arg of args) if (CONTRACTED_KEYS.has(arg.split('=')[0] ?? '') && !contracted.includes(arg)) problems.push(`ExternalDNS runs with ${arg}, which the contract does not hold. ${RESTORE}`);
  if (serviceAccountRoleArn !== externalDnsRoleArn) {
    const fix = `kubectl -n external-dns annotate serviceaccount external-dns eks.amazonaws.com/role-arn=${externalDnsRoleArn} --overwrite, then kubectl -n external-dns rollout restart deployment external-dns`;
    problems.push(`ExternalDNS's service account has role ${serviceAccountRoleArn ?? 'none'}, not ${externalDnsRoleArn}. Fix: ${fix}`);
  }
  return problems;
}

function valueOf(args: readonly string[], wanted: string): string {
  const key = wanted.split('=')[0] ?? wanted;
  const found = args.filter((arg) => arg === key || arg.startsWith(`${key}=`));
  return found.length === 0 || !wanted.includes('=') || key === '--source' ? '' : ` (it has ${found.join(' ')})`;
}
