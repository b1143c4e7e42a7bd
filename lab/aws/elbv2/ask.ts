// Asks moto in its own names and gives its answer, or its refusal, in AWS's.
import { ElasticLoadBalancingV2ServiceException, type ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import { awsError } from '../service.ts';
import { asOnAws, everyText, forMoto } from './names.ts';
import type { Elbv2State } from './state.ts';

/** The part of the state that asking needs. */
type Asking = Pick<Elbv2State, 'elbv2' | 'network'>;

/**
 * Sends one command.
 * @param send builds and sends it, from the input in moto's names
 * @throws AwsError what moto refuses, in AWS's names
 */
export async function ask<Input extends object, Output extends { $metadata: unknown }>(
  { elbv2, network }: Asking,
  input: Input,
  send: (client: ElasticLoadBalancingV2Client, input: Input) => Promise<Output>,
): Promise<Omit<Output, '$metadata'>> {
  try {
    const { $metadata: _metadata, ...output } = await send(elbv2, everyText(input, forMoto));
    return everyText(output, (text) => asOnAws(text, network));
  } catch (error) {
    if (!(error instanceof ElasticLoadBalancingV2ServiceException)) throw error;
    return awsError(error.name.replace(/Exception$/, ''), asOnAws(error.message, network), error.$metadata.httpStatusCode);
  }
}
