// DNSSEC: its state machine without cryptography (keys are made up, answers are not signed). Source: Route 53 API
// reference, actions on DNSSEC.
import { createHash } from 'node:crypto';
import type { KeySigningKey } from '@aws-sdk/client-route-53';
import { awsError } from '../service.ts';
import { openChange, zoneOf, type Input, type Output, type Route53Call, type Zone } from './state.ts';

export function getDnssec(call: Route53Call, input: Input<'GetDNSSEC'>): Output<'GetDNSSEC'> {
  const zone = publicZone(call, input.HostedZoneId);
  return { Status: { ServeSignature: zone.signing }, KeySigningKeys: [...zone.signingKeys] };
}

export function enableDnssec(call: Route53Call, input: Input<'EnableHostedZoneDNSSEC'>): Output<'EnableHostedZoneDNSSEC'> {
  const zone = publicZone(call, input.HostedZoneId);
  if (!zone.signingKeys.some(({ Status }) => Status === 'ACTIVE')) awsError('KeySigningKeyWithActiveStatusNotFound', 'A key-signing key (KSK) with ACTIVE status was not found');
  return saved(call, { ...zone, signing: 'SIGNING' });
}

export function disableDnssec(call: Route53Call, input: Input<'DisableHostedZoneDNSSEC'>): Output<'DisableHostedZoneDNSSEC'> {
  const zone = publicZone(call, input.HostedZoneId);
  if (zone.signing === 'NOT_SIGNING') awsError('DNSSECNotFound', 'The hosted zone does not have any DNSSEC resources.');
  return saved(call, { ...zone, signing: 'NOT_SIGNING' });
}

export function createKey(call: Route53Call, input: Input<'CreateKeySigningKey'>): Output<'CreateKeySigningKey'> {
  const zone = publicZone(call, input.HostedZoneId);
  const { Name = '', KeyManagementServiceArn = '', Status = 'ACTIVE' } = input;
  if (!/^[a-zA-Z0-9_]{3,128}$/.test(Name)) awsError('InvalidKeySigningKeyName', 'The key-signing key (KSK) name that you specified isn’t a valid name.');
  if (zone.signingKeys.some((key) => key.Name === Name)) awsError('KeySigningKeyAlreadyExists', `You have already created a key-signing key (KSK) with this name: ${Name}`);
  if (zone.signingKeys.length >= 2) awsError('TooManyKeySigningKeys', "You've reached the limit for the number of key-signing keys (KSKs) for this hosted zone.");
  if (!KeyManagementServiceArn.startsWith('arn:aws:kms:us-east-1:')) awsError('InvalidKMSArn', 'The KeyManagementServiceArn that you specified is not valid to use with DNSSEC signing.');
  const key = madeUp(zone, Name, KeyManagementServiceArn, Status, call.now);
  const { ChangeInfo } = saved(call, { ...zone, signingKeys: [...zone.signingKeys, key] });
  return { ChangeInfo, KeySigningKey: key, Location: `https://route53.amazonaws.com/2013-04-01/keysigningkey/${zone.id}/${Name}` };
}

export function activateKey(call: Route53Call, input: Input<'ActivateKeySigningKey'>): Output<'ActivateKeySigningKey'> {
  return saved(call, withStatus(publicZone(call, input.HostedZoneId), input.Name, 'ACTIVE'));
}

export function deactivateKey(call: Route53Call, input: Input<'DeactivateKeySigningKey'>): Output<'DeactivateKeySigningKey'> {
  const zone = publicZone(call, input.HostedZoneId);
  if (zone.signing === 'SIGNING' && zone.signingKeys.filter(({ Status }) => Status === 'ACTIVE').length <= 1) {
    awsError('KeySigningKeyInUse', 'The key-signing key (KSK) that you specified can’t be deactivated because it’s the only one in a hosted zone with signing enabled.');
  }
  return saved(call, withStatus(zone, input.Name, 'INACTIVE'));
}

export function deleteKey(call: Route53Call, input: Input<'DeleteKeySigningKey'>): Output<'DeleteKeySigningKey'> {
  const zone = publicZone(call, input.HostedZoneId);
  const key = zone.signingKeys.find(({ Name }) => Name === input.Name) ?? awsError('NoSuchKeySigningKey', `The specified key-signing key (KSK) doesn’t exist: ${input.Name}`);
  if (key.Status !== 'INACTIVE') awsError('InvalidKeySigningKeyStatus', `The key-signing key (KSK) status isn’t valid: ${key.Status}`);
  return saved(call, { ...zone, signingKeys: zone.signingKeys.filter((other) => other !== key) });
}

function withStatus(zone: Zone, name: string | undefined, status: string): Zone {
  if (!zone.signingKeys.some(({ Name }) => Name === name)) awsError('NoSuchKeySigningKey', `The specified key-signing key (KSK) doesn’t exist: ${name}`);
  return { ...zone, signingKeys: zone.signingKeys.map((key) => (key.Name === name ? { ...key, Status: status } : key)) };
}

function saved(call: Route53Call, zone: Zone) {
  call.state.zones.set(zone.id, zone);
  return { ChangeInfo: openChange(call) };
}

function publicZone(call: Route53Call, id: string | undefined): Zone {
  const zone = zoneOf(call, id);
  return zone.vpcs === undefined ? zone : awsError('InvalidArgument', 'DNSSEC signing is not available for private hosted zones.');
}

function madeUp(zone: Zone, name: string, kmsArn: string, status: string, now: Date): KeySigningKey {
  const digest = createHash('sha256').update(`${zone.id}/${name}`).digest('hex').toUpperCase();
  const keyTag = Number.parseInt(digest.slice(0, 4), 16);
  const publicKey = Buffer.from(digest.repeat(2), 'hex').toString('base64');
  return {
    Name: name, KmsArn: kmsArn, Flag: 257, SigningAlgorithmMnemonic: 'ECDSAP256SHA256', SigningAlgorithmType: 13, DigestAlgorithmMnemonic: 'SHA-256',
    DigestAlgorithmType: 2, KeyTag: keyTag, DigestValue: digest, PublicKey: publicKey, DSRecord: `${keyTag} 13 2 ${digest}`,
    DNSKEYRecord: `257 3 13 ${publicKey}`, Status: status, CreatedDate: now, LastModifiedDate: now,
  };
}
