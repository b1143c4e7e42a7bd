// What ExternalDNS's role may do in Route 53, asked of IAM itself: it can delete what it wrote, and can never write a base name (C2, D1, T2, failure 13).
import { type ContextEntry, type IAMClient, SimulatePrincipalPolicyCommand } from '@aws-sdk/client-iam';
import { buildSuffix } from '../domain/dns-names.ts';
import type { Target } from '../domain/plan.ts';
import { NOT_FOUND, orAbsent } from './errors.ts';
import { iamContext, irsaRoleArn } from './iam.ts';
import { present } from './pages.ts';

/** One change of records that the role is asked about. Names as Route 53 normalises them: a wildcard's star is `\052`. */
export interface RecordChange {
  why: string;
  names: string[];
  types: string[];
  actions: string[];
}

/** Changes that ExternalDNS needs: any record of the platform, with its registry TXT. */
export function neededChanges({ hostSuffix }: Pick<Target, 'hostSuffix'>): RecordChange[] {
  const actions = ['CREATE', 'UPSERT', 'DELETE'];
  return [
    { why: 'a host of the platform', names: [`kong.${hostSuffix}`, `a-xdns.kong.${hostSuffix}`], types: ['A', 'TXT'], actions },
    { why: 'a wildcard of the platform', names: [`\\052.apps.${hostSuffix}`, `aaaa-xdns.wildcard.apps.${hostSuffix}`], types: ['AAAA', 'TXT'], actions },
  ];
}

/** No day has this build id: a build's subtree that belongs to no platform, this one least of all. */
const NO_BUILD = '00-00-00-00';

/**
 * Changes that must be denied: base names to an ephemeral platform, names in a build's subtree to a persistent one, neighbours, a batch with one foreign
 * name in it, names at which certificates are proven or that share a wildcard's registry entry, and types that are not ExternalDNS's (D1).
 */
export function forbiddenChanges({ hostSuffix, zone, parentZone, lifecycle }: Pick<Target, 'hostSuffix' | 'zone' | 'parentZone' | 'lifecycle'>): RecordChange[] {
  const [types, actions] = [['A', 'TXT'], ['UPSERT']];
  const build = buildSuffix(NO_BUILD, zone);
  const foreign = [`_acme-challenge.${hostSuffix}`, `wildcard.${hostSuffix}`, parentZone, `x${hostSuffix}`, ...(lifecycle === 'ephemeral' ? [`kong.${build}`, zone, `kong.${zone}`, `\\052.${zone}`] : [build, `kong.${build}`, `\\052.apps.${build}`, `a-xdns.${build}`, `\\052.${build}`])];
  return [
    ...foreign.map((name) => ({ why: `the name ${name}`, names: [name], types, actions })),
    { why: `a batch with ${foreign.at(-1) ?? ''} in it`, names: [`kong.${hostSuffix}`, foreign.at(-1) ?? ''], types, actions },
    { why: `the delegation of ${hostSuffix}`, names: [hostSuffix], types: ['NS'], actions },
  ];
}

/** Of these changes, those that IAM allows ExternalDNS's role. */
export async function allowedChanges(iam: IAMClient, target: Target, changes: readonly RecordChange[]): Promise<RecordChange[]> {
  const allowed = await Promise.all(changes.map((change) => isAllowed(iam, target, change)));
  return changes.filter((_, index) => allowed[index] === true);
}

async function isAllowed(iam: IAMClient, target: Target, { names, types, actions }: RecordChange): Promise<boolean> {
  const simulation = iam.send(
    new SimulatePrincipalPolicyCommand({
      PolicySourceArn: irsaRoleArn(target, 'external-dns'),
      ActionNames: ['route53:ChangeResourceRecordSets'],
      ResourceArns: [`arn:${iamContext(target).partition}:route53:::hostedzone/${target.hostedZoneId}`],
      ContextEntries: [entry('NormalizedRecordNames', names), entry('RecordTypes', types), entry('Actions', actions)],
    }),
  );
  const answer = await orAbsent(simulation, NOT_FOUND.iam);
  // A role that does not exist may do nothing.
  return answer !== undefined && present(answer.EvaluationResults?.[0]?.EvalDecision, 'a decision of the policy simulator') === 'allowed';
}

/** One of Route 53's condition keys of a change. */
function entry(key: string, values: string[]): ContextEntry {
  return { ContextKeyName: `route53:ChangeResourceRecordSets${key}`, ContextKeyType: 'stringList', ContextKeyValues: values };
}
