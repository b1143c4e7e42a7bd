// Route 53, API 2013-04-01, as a whole service of the gateway. Gaps: README.md.
import * as sdk from '@aws-sdk/client-route-53';
import { awsError, type Service } from '../service.ts';
import { testAnswer } from './answer.ts';
import { activateKey, createKey, deactivateKey, deleteKey, disableDnssec, enableDnssec, getDnssec } from './dnssec.ts';
import { countHealthChecks, createHealthCheck, deleteHealthCheck, getHealthCheck, healthCheckStatus, listHealthChecks } from './health-checks.ts';
import { accountLimit, zoneLimit } from './limits.ts';
import { changesOf, needsOf, resourceOf } from './needs.ts';
import { createProtections, deleteProtections, listProtections } from './protections.ts';
import { changeRecords, getChange, listRecords } from './records.ts';
import type { Operations, ZoneStore } from './state.ts';
import { changeTags, listTags, listTagsOfMany } from './tags.ts';
import { associate, authorize, deauthorize, disassociate, listAuthorizations, listZonesByVpc } from './vpcs.ts';
import { countZones, createZone, deleteZone, getZone, listZones, listZonesByName, updateComment } from './zones.ts';

export const route53: Service<ZoneStore, Operations> = {
  scope: 'route53',
  protocol: 'rest-xml',
  sdk,
  namespace: 'https://route53.amazonaws.com/doc/2013-04-01/',
  resource: resourceOf,
  changes: changesOf,
  needs: needsOf,
  admit({ state, account }) {
    if (!state.rate.take(account)) awsError('Throttling', 'Rate exceeded', 400);
  },
  operations: {
    ActivateKeySigningKey: activateKey,
    AssociateVPCWithHostedZone: associate,
    ChangeResourceRecordSets: changeRecords,
    ChangeTagsForResource: changeTags,
    CreateHealthCheck: createHealthCheck,
    CreateHostedZone: createZone,
    CreateKeySigningKey: createKey,
    CreateResourceRecordSetProtections: createProtections,
    CreateVPCAssociationAuthorization: authorize,
    DeactivateKeySigningKey: deactivateKey,
    DeleteHealthCheck: deleteHealthCheck,
    DeleteHostedZone: deleteZone,
    DeleteKeySigningKey: deleteKey,
    DeleteResourceRecordSetProtections: deleteProtections,
    DeleteVPCAssociationAuthorization: deauthorize,
    DisableHostedZoneDNSSEC: disableDnssec,
    DisassociateVPCFromHostedZone: disassociate,
    EnableHostedZoneDNSSEC: enableDnssec,
    GetAccountLimit: accountLimit,
    GetChange: getChange,
    GetDNSSEC: getDnssec,
    GetHealthCheck: getHealthCheck,
    GetHealthCheckCount: countHealthChecks,
    GetHealthCheckStatus: healthCheckStatus,
    GetHostedZone: getZone,
    GetHostedZoneCount: countZones,
    GetHostedZoneLimit: zoneLimit,
    ListHealthChecks: listHealthChecks,
    ListHostedZones: listZones,
    ListHostedZonesByName: listZonesByName,
    ListHostedZonesByVPC: listZonesByVpc,
    ListResourceRecordSetProtections: listProtections,
    ListResourceRecordSets: listRecords,
    ListTagsForResource: listTags,
    ListTagsForResources: listTagsOfMany,
    ListVPCAssociationAuthorizations: listAuthorizations,
    TestDNSAnswer: testAnswer,
    UpdateHostedZoneComment: updateComment,
    // Nothing of the product calls these (README.md).
    ChangeCidrCollection: 'not-implemented',
    CreateCidrCollection: 'not-implemented',
    CreateQueryLoggingConfig: 'not-implemented',
    CreateReusableDelegationSet: 'not-implemented',
    CreateTrafficPolicy: 'not-implemented',
    CreateTrafficPolicyInstance: 'not-implemented',
    CreateTrafficPolicyVersion: 'not-implemented',
    DeleteCidrCollection: 'not-implemented',
    DeleteQueryLoggingConfig: 'not-implemented',
    DeleteReusableDelegationSet: 'not-implemented',
    DeleteTrafficPolicy: 'not-implemented',
    DeleteTrafficPolicyInstance: 'not-implemented',
    GetCheckerIpRanges: 'not-implemented',
    GetGeoLocation: 'not-implemented',
    GetHealthCheckLastFailureReason: 'not-implemented',
    GetQueryLoggingConfig: 'not-implemented',
    GetReusableDelegationSet: 'not-implemented',
    GetReusableDelegationSetLimit: 'not-implemented',
    GetTrafficPolicy: 'not-implemented',
    GetTrafficPolicyInstance: 'not-implemented',
    GetTrafficPolicyInstanceCount: 'not-implemented',
    ListCidrBlocks: 'not-implemented',
    ListCidrCollections: 'not-implemented',
    ListCidrLocations: 'not-implemented',
    ListGeoLocations: 'not-implemented',
    ListQueryLoggingConfigs: 'not-implemented',
    ListReusableDelegationSets: 'not-implemented',
    ListTrafficPolicies: 'not-implemented',
    ListTrafficPolicyInstances: 'not-implemented',
    ListTrafficPolicyInstancesByHostedZone: 'not-implemented',
    ListTrafficPolicyInstancesByPolicy: 'not-implemented',
    ListTrafficPolicyVersions: 'not-implemented',
    UpdateHealthCheck: 'not-implemented',
    UpdateHostedZoneFeatures: 'not-implemented',
    UpdateTrafficPolicyComment: 'not-implemented',
    UpdateTrafficPolicyInstance: 'not-implemented',
  },
};
