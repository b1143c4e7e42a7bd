// What the stand-in of the load balancer controller makes of a Service (T3, failure 22).
import { describe, expect, it } from 'vitest';
import type { Deployment, Service } from '../../../../lab/controllers/kinds.ts';
import { isManaged, settingsOf, stackModel } from '../../../../lab/controllers/load-balancer/model.ts';

const settings = { clusterName: 'goldenpath-dev-eks-21-11-26-01', vpcId: 'vpc-1', defaultTags: { 'goldenpath.idp/environment': 'dev' } };

function service(annotations: Record<string, string> = {}, spec: Partial<Service['spec']> = {}): Service {
  return {
    metadata: { namespace: 'a-long-namespace', name: 'a-long-service-name', uid: '1', annotations },
    spec: { type: 'LoadBalancer', loadBalancerClass: 'service.k8s.aws/nlb', ports: [{ port: 80, targetPort: 8000, nodePort: 30_080 }, { port: 53, protocol: 'UDP' }], ...spec },
  };
}

describe('which Services are the controller’s', () => {
  it('T3: by class, or by annotation where there is no class; ClusterIP never', () => {
    const external = { 'service.beta.kubernetes.io/aws-load-balancer-type': 'external' };
    expect(isManaged(service())).toBe(true);
    expect(isManaged(service(external, { loadBalancerClass: 'other/class' }))).toBe(false);
    const { loadBalancerClass, ...withoutClass } = service(external).spec;
    expect(loadBalancerClass).toBeDefined();
    expect(isManaged({ ...service(external), spec: withoutClass })).toBe(true);
    expect(isManaged({ ...service(), spec: withoutClass })).toBe(false);
    expect(isManaged(service(external, { type: 'ClusterIP' }))).toBe(false);
  });
});

describe('the model', () => {
  it('T3: names keep to the 32 characters of AWS and differ by what they name', () => {
    const model = stackModel(service(), settings);
    const names = [model.name, model.securityGroup.name, ...model.ports.map(({ targetGroupName }) => targetGroupName)];
    expect(names.filter((name) => !/^k8s-alongnam-alongser-[0-9a-f]{10}$/.test(name) || name.length > 32)).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('failure 22: everything carries the cluster, the stack and the platform’s tags', () => {
    const model = stackModel(service({ 'service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags': 'team=a,cost=b=c' }), settings);
    const common = { 'goldenpath.idp/environment': 'dev', team: 'a', cost: 'b=c', 'elbv2.k8s.aws/cluster': settings.clusterName, 'service.k8s.aws/stack': 'a-long-namespace/a-long-service-name' };
    expect(model.tags).toEqual({ ...common, 'service.k8s.aws/resource': 'LoadBalancer' });
    expect(model.ports[0]?.tags).toEqual({ ...common, 'service.k8s.aws/resource': 'a-long-namespace/a-long-service-name:80' });
    expect(model.ports[0]?.listenerTags).toEqual({ ...common, 'service.k8s.aws/resource': '80' });
  });

  it('T3: scheme chooses the subnets, target type the port, and annotations health check and attributes', () => {
    const annotations = Object.fromEntries(
      [['scheme', 'internet-facing'], ['nlb-target-type', 'instance'], ['healthcheck-protocol', 'http'], ['healthcheck-port', '8100'], ['healthcheck-path', '/status'], ['attributes', 'deletion_protection.enabled=true']]
        .map(([name, value]) => [`service.beta.kubernetes.io/aws-load-balancer-${name ?? ''}`, value ?? '']),
    );
    const model = stackModel(service(annotations), settings);
    expect(model).toMatchObject({ scheme: 'internet-facing', subnetRole: 'kubernetes.io/role/elb', health: { protocol: 'HTTP', port: '8100', path: '/status' }, attributes: { 'deletion_protection.enabled': 'true' } });
    expect(model.ports.map(({ port, protocol, targetPort }) => ({ port, protocol, targetPort }))).toEqual([{ port: 80, protocol: 'TCP', targetPort: 30_080 }, { port: 53, protocol: 'UDP', targetPort: 53 }]);
    expect(stackModel(service(), settings)).toMatchObject({ scheme: 'internal', subnetRole: 'kubernetes.io/role/internal-elb' });
  });
});

describe('the controller’s own arguments', () => {
  const deployment = (args: string[]): Deployment => ({ metadata: { name: 'aws-load-balancer-controller' }, spec: { template: { spec: { containers: [{ name: 'controller', args }] } } } });

  it('C1: cluster, VPC and default tags come from its Deployment', () => {
    expect(settingsOf(deployment(['--cluster-name=one', '--aws-vpc-id=vpc-1', '--default-tags=a=1,b=2']))).toEqual({ clusterName: 'one', vpcId: 'vpc-1', defaultTags: { a: '1', b: '2' } });
  });

  it('C1: it does not guess a cluster', () => {
    expect(() => settingsOf(deployment(['--aws-vpc-id=vpc-1']))).toThrow('the controller runs without --cluster-name');
  });
});
