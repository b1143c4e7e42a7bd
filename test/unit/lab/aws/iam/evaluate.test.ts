// IAM's verdicts, and those on Route 53's condition keys in particular (C2).
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { conditionHolds } from '../../../../../lab/aws/iam/conditions.ts';
import { evaluate, type EvaluationRequest, type PolicyDocument } from '../../../../../lab/aws/iam/evaluate.ts';

const NAMES = 'route53:ChangeResourceRecordSetsNormalizedRecordNames';
const guard: PolicyDocument = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: ['route53:List*', 'route53:GetChange'], Resource: '*' },
    {
      Effect: 'Allow',
      Action: 'route53:ChangeResourceRecordSets',
      Resource: 'arn:aws:route53:::hostedzone/Z1',
      Condition: { 'ForAllValues:StringLike': { [NAMES]: ['b-1.dev.example.io', '*.b-1.dev.example.io'] } },
    },
  ],
};

function change(names: string[], zone = 'Z1'): EvaluationRequest {
  return { action: 'route53:ChangeResourceRecordSets', resource: `arn:aws:route53:::hostedzone/${zone}`, context: { [NAMES]: names } };
}

it('C2: a change is allowed when all of its names lie in the scope', () => {
  expect(evaluate([guard], change(['b-1.dev.example.io', 'a.b-1.dev.example.io', '\\052.b-1.dev.example.io']))).toBe('allow');
  expect(evaluate([guard], change(['a.b-1.dev.example.io', 'b-11.dev.example.io']))).toBe('implicit-deny');
  expect(evaluate([guard], change(['xb-1.dev.example.io']))).toBe('implicit-deny');
  expect(evaluate([guard], change(['a.b-1.dev.example.io'], 'Z2'))).toBe('implicit-deny');
});

it('C2: no name outside the scope ever gets through', () => {
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
  fc.assert(fc.property(fc.array(label, { minLength: 1, maxLength: 5 }), fc.array(label, { maxLength: 2 }), (labels, inside) => {
    const name = `${labels.join('.')}.example.io`;
    const isInside = name === 'b-1.dev.example.io' || name.endsWith('.b-1.dev.example.io');
    const good = inside.map((text) => `${text}.b-1.dev.example.io`);
    expect(evaluate([guard], change([...good, name]))).toBe(isInside ? 'allow' : 'implicit-deny');
  }));
});

it('C2: a denial wins over every allowance, in any order of policies', () => {
  const deny: PolicyDocument = { Statement: { Effect: 'Deny', NotAction: 'route53:List*', Resource: '*' } };
  fc.assert(fc.property(fc.shuffledSubarray([guard, deny, { Statement: { Effect: 'Allow', Action: '*', Resource: '*' } } satisfies PolicyDocument]), (policies) => {
    const decision = evaluate(policies, change(['a.b-1.dev.example.io']));
    expect(decision === 'explicit-deny').toBe(policies.includes(deny));
  }));
  expect(evaluate([deny, guard], { action: 'route53:ListHostedZones', resource: '*', context: {} })).toBe('allow');
});

it('C2: actions match without case, resources with it, and `?` is one character', () => {
  const policy: PolicyDocument = { Statement: { Effect: 'Allow', Action: 'ROUTE53:get?hange', Resource: 'arn:aws:route53:::change/*' } };
  expect(evaluate([policy], { action: 'route53:GetChange', resource: 'arn:aws:route53:::change/C1', context: {} })).toBe('allow');
  expect(evaluate([policy], { action: 'route53:GetChange', resource: 'ARN:aws:route53:::change/C1', context: {} })).toBe('implicit-deny');
});

it('C1: a trust policy speaks to its principal only', () => {
  const trust: PolicyDocument = { Statement: { Effect: 'Allow', Action: 'sts:AssumeRoleWithWebIdentity', Principal: { Federated: 'arn:oidc' }, Condition: { StringEquals: { 'i:sub': 'system:serviceaccount:a:b' } } } };
  const ask = (federated: string, subject: string) => evaluate([trust], { action: 'sts:AssumeRoleWithWebIdentity', resource: 'r', principal: { Federated: [federated] }, context: { 'i:sub': [subject] } });
  expect(ask('arn:oidc', 'system:serviceaccount:a:b')).toBe('allow');
  expect(ask('arn:other', 'system:serviceaccount:a:b')).toBe('implicit-deny');
  expect(ask('arn:oidc', 'system:serviceaccount:a:c')).toBe('implicit-deny');
});

it.each([
  ['ForAllValues holds without the key', { 'ForAllValues:StringEquals': { k: 'a' } }, {}, true],
  ['ForAnyValue does not', { 'ForAnyValue:StringEquals': { k: 'a' } }, {}, false],
  ['ForAnyValue needs one', { 'ForAnyValue:StringEquals': { k: ['a', 'b'] } }, { k: ['x', 'b'] }, true],
  ['ForAllValues needs all', { 'ForAllValues:StringEquals': { k: ['a', 'b'] } }, { k: ['x', 'b'] }, false],
  ['a plain operator needs the key', { StringEquals: { k: 'a' } }, {}, false],
  ['IfExists does not', { StringEqualsIfExists: { k: 'a' } }, {}, true],
  ['a negated operator holds without the key', { StringNotEquals: { k: 'a' } }, {}, true],
  ['a negated operator refuses each value', { StringNotLike: { k: ['a*', 'b*'] } }, { k: ['bc'] }, false],
  ['Null asks for absence', { Null: { k: 'true' } }, {}, true],
  ['Bool', { Bool: { k: true } }, { k: ['TRUE'] }, true],
  ['numbers compare as numbers', { NumericLessThan: { k: '10' } }, { k: ['9'] }, true],
  ['ARN parts keep to their colons', { ArnLike: { k: 'arn:aws:iam::*:role/x' } }, { k: ['arn:aws:iam::1:a:role/x'] }, false],
])('C2: condition: %s', (_, block, context, expected) => {
  expect(conditionHolds(block, context as Record<string, string[]>)).toBe(expected);
});

it('C2: a condition operator that the lab does not know is an error, not a pass', () => {
  expect(() => conditionHolds({ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } }, { 'aws:SourceIp': ['10.0.0.1'] })).toThrow(TypeError);
});
