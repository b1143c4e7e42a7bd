// The environment variables that point a program at a lab: what `lab env` prints and what the lab's own worker gets.
import { delimiter } from 'node:path';
import type { LabPaths, LabState } from './state.ts';
import { LabProblem } from './state.ts';

/** Variables of a lab that is ready, PATH left out. Throws LabProblem while it is not. */
export function labVariables(paths: LabPaths, { name, endpoints, credentials, region }: LabState): Record<string, string> {
  if (endpoints === undefined || credentials === undefined || region === undefined) throw new LabProblem(`lab ${name} is not ready yet`);
  return {
    AWS_ENDPOINT_URL: endpoints.aws,
    AWS_ENDPOINT_URL_STS: endpoints.aws, // ExternalDNS and `aws eks get-token` look at this one alone
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region, // version 1 of the AWS CLI and boto3 look at this one alone
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    TEMPORAL_ADDRESS: endpoints.temporal,
    GOLDENPATH_UI: endpoints.temporalUi,
    GOLDENPATH_ENVIRONMENTS: paths.environments,
    GOLDENPATH_MANIFEST_MIRROR: paths.manifests,
    GOLDENPATH_RDS_CA: paths.rdsCa,
    GOLDENPATH_LAB: name,
  };
}

/** PATH with the lab's kubectl and temporal before everything else, once. */
export function labPath(paths: LabPaths, path: string): string {
  return [paths.bin, ...path.split(delimiter).filter((folder) => folder !== paths.bin)].join(delimiter);
}
