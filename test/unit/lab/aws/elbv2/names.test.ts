// Names of load balancers as AWS writes them (T3: ingress addresses; teardown.md, failure 22).
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { dnsName, fullName, sameSettings } from '../../../../../lab/aws/elbv2/lifecycle.ts';
import { asOnAws, everyText, forMoto } from '../../../../../lab/aws/elbv2/names.ts';

const NET = 'arn:aws:elasticloadbalancing:eu-west-2:111122223333:loadbalancer/net/kong/50dc6c495c0c9188';
const hex = fc.stringMatching(/^[0-9a-f]{16}$/);

it('failure 22: ARNs of network load balancers come back as they went', () => {
  fc.assert(fc.property(fc.constantFrom('loadbalancer', 'listener', 'listener-rule'), fc.constantFrom('app', 'net'), hex, (kind, type, id) => {
    const arn = `arn:aws:elasticloadbalancing:eu-west-2:111122223333:${kind}/${type}/kong/${id}`;
    expect(asOnAws(forMoto(arn), new Set(type === 'net' ? [id] : []))).toBe(arn);
  }));
});

it('failure 22: target groups are left alone, at any depth', () => {
  const group = 'arn:aws:elasticloadbalancing:eu-west-2:111122223333:targetgroup/net/50dc6c495c0c9188';
  const at = new Date(0);
  expect(everyText({ a: [{ b: NET, c: group }], at }, forMoto)).toEqual({ a: [{ b: NET.replace('/net/', '/app/'), c: group }], at });
});

it('T3: DNS names have AWS\'s two forms', () => {
  const one = { LoadBalancerArn: NET, LoadBalancerName: 'kong' };
  expect(dnsName({ ...one, Type: 'network', Scheme: 'internet-facing' }, 'eu-west-2')).toBe('kong-50dc6c495c0c9188.elb.eu-west-2.amazonaws.com');
  expect(dnsName({ ...one, Type: 'application', Scheme: 'internal' }, 'eu-west-2')).toMatch(/^internal-kong-\d{10}\.eu-west-2\.elb\.amazonaws\.com$/);
  expect(fullName({ ...one, Type: 'network' })).toBe('net/kong/50dc6c495c0c9188');
});

it('C1: a repeated request is the same whatever the order of its subnets', () => {
  const present = { Type: 'network' as const, Scheme: 'internal' as const, SecurityGroups: [], AvailabilityZones: [{ SubnetId: 'a' }, { SubnetId: 'b' }] };
  expect(sameSettings(present, { type: 'network', scheme: 'internal', groups: [], subnets: ['b', 'a'] })).toBe(true);
  expect(sameSettings(present, { type: 'network', scheme: 'internal', groups: [], subnets: ['b'] })).toBe(false);
});
