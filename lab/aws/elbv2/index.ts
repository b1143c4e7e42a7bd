// Elastic Load Balancing v2, API 2015-12-01: an overlay on moto (lab.md § The gateway, overlays). Load balancers take
// their time, have interfaces that outlive them, and obey their protection. Gaps: README.md.
import * as sdk from '@aws-sdk/client-elastic-load-balancing-v2';
import { plugOverlay, type Mend, type OperationsOf, type Overlay, type Plugged } from '../service.ts';
import { ask } from './ask.ts';
import { createBalancer, deleteBalancer, deleteTargetGroup, describeBalancers, describeTargetGroups, setSecurityGroups } from './balancers.ts';
import { PUBLISHED, type Elbv2Durations } from './lifecycle.ts';
import type { Elbv2State } from './state.ts';

const overlay: Overlay<Elbv2State, OperationsOf<typeof sdk>> = {
  scope: 'elasticloadbalancing',
  protocol: 'query',
  sdk,
  namespace: 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/',
  resource: (_operation, input) => [input['LoadBalancerArn'], input['TargetGroupArn'], input['ListenerArn'], input['Name']].find((id) => typeof id === 'string'),
  mends: {
    CreateLoadBalancer: createBalancer,
    DescribeLoadBalancers: describeBalancers,
    DeleteLoadBalancer: deleteBalancer,
    SetSecurityGroups: setSecurityGroups,
    DescribeTargetGroups: describeTargetGroups,
    DeleteTargetGroup: deleteTargetGroup,
    // The others only need their ARNs put right.
    AddListenerCertificates: through((client, input: sdk.AddListenerCertificatesCommandInput) => client.send(new sdk.AddListenerCertificatesCommand(input))),
    AddTags: through((client, input: sdk.AddTagsCommandInput) => client.send(new sdk.AddTagsCommand(input))),
    CreateListener: through((client, input: sdk.CreateListenerCommandInput) => client.send(new sdk.CreateListenerCommand(input))),
    CreateRule: through((client, input: sdk.CreateRuleCommandInput) => client.send(new sdk.CreateRuleCommand(input))),
    CreateTargetGroup: through((client, input: sdk.CreateTargetGroupCommandInput) => client.send(new sdk.CreateTargetGroupCommand(input))),
    DeleteListener: through((client, input: sdk.DeleteListenerCommandInput) => client.send(new sdk.DeleteListenerCommand(input))),
    DeleteRule: through((client, input: sdk.DeleteRuleCommandInput) => client.send(new sdk.DeleteRuleCommand(input))),
    DeregisterTargets: through((client, input: sdk.DeregisterTargetsCommandInput) => client.send(new sdk.DeregisterTargetsCommand(input))),
    DescribeListenerAttributes: through((client, input: sdk.DescribeListenerAttributesCommandInput) => client.send(new sdk.DescribeListenerAttributesCommand(input))),
    DescribeListenerCertificates: through((client, input: sdk.DescribeListenerCertificatesCommandInput) => client.send(new sdk.DescribeListenerCertificatesCommand(input))),
    DescribeListeners: through((client, input: sdk.DescribeListenersCommandInput) => client.send(new sdk.DescribeListenersCommand(input))),
    DescribeLoadBalancerAttributes: through((client, input: sdk.DescribeLoadBalancerAttributesCommandInput) => client.send(new sdk.DescribeLoadBalancerAttributesCommand(input))),
    DescribeRules: through((client, input: sdk.DescribeRulesCommandInput) => client.send(new sdk.DescribeRulesCommand(input))),
    DescribeTags: through((client, input: sdk.DescribeTagsCommandInput) => client.send(new sdk.DescribeTagsCommand(input))),
    DescribeTargetGroupAttributes: through((client, input: sdk.DescribeTargetGroupAttributesCommandInput) => client.send(new sdk.DescribeTargetGroupAttributesCommand(input))),
    DescribeTargetHealth: through((client, input: sdk.DescribeTargetHealthCommandInput) => client.send(new sdk.DescribeTargetHealthCommand(input))),
    ModifyListener: through((client, input: sdk.ModifyListenerCommandInput) => client.send(new sdk.ModifyListenerCommand(input))),
    ModifyListenerAttributes: through((client, input: sdk.ModifyListenerAttributesCommandInput) => client.send(new sdk.ModifyListenerAttributesCommand(input))),
    ModifyLoadBalancerAttributes: through((client, input: sdk.ModifyLoadBalancerAttributesCommandInput) => client.send(new sdk.ModifyLoadBalancerAttributesCommand(input))),
    ModifyRule: through((client, input: sdk.ModifyRuleCommandInput) => client.send(new sdk.ModifyRuleCommand(input))),
    ModifyTargetGroup: through((client, input: sdk.ModifyTargetGroupCommandInput) => client.send(new sdk.ModifyTargetGroupCommand(input))),
    ModifyTargetGroupAttributes: through((client, input: sdk.ModifyTargetGroupAttributesCommandInput) => client.send(new sdk.ModifyTargetGroupAttributesCommand(input))),
    RegisterTargets: through((client, input: sdk.RegisterTargetsCommandInput) => client.send(new sdk.RegisterTargetsCommand(input))),
    RemoveListenerCertificates: through((client, input: sdk.RemoveListenerCertificatesCommandInput) => client.send(new sdk.RemoveListenerCertificatesCommand(input))),
    RemoveTags: through((client, input: sdk.RemoveTagsCommandInput) => client.send(new sdk.RemoveTagsCommand(input))),
    SetIpAddressType: through((client, input: sdk.SetIpAddressTypeCommandInput) => client.send(new sdk.SetIpAddressTypeCommand(input))),
    SetRulePriorities: through((client, input: sdk.SetRulePrioritiesCommandInput) => client.send(new sdk.SetRulePrioritiesCommand(input))),
  },
};

function through<Input extends object, Output extends { $metadata: unknown }>(
  send: (client: sdk.ElasticLoadBalancingV2Client, input: Input) => Promise<Output>,
): Mend<Elbv2State, { input: Input; output: Omit<Output, '$metadata'> }> {
  return ({ state }, input) => ask(state, input, send);
}

/** Binds the overlay; `durations` in seconds of AWS. */
export function plugElbv2(
  given: Pick<Elbv2State, 'elbv2' | 'ec2' | 'interfaces' | 'clock' | 'region'>,
  durations: Partial<Elbv2Durations> = {},
): { service: Plugged; state: Elbv2State } {
  const state: Elbv2State = { ...given, balancers: new Map(), network: new Set(), durations: { ...PUBLISHED, ...durations } };
  return { service: plugOverlay(overlay, state), state };
}
