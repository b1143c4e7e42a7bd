// The connection to Temporal, by Temporal's own environment (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS…, or a profile of TEMPORAL_CONFIG_FILE).
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { GoldenpathError } from '../domain/errors.ts';
import { grpcDetails } from './grpc.ts';
import { InputRefused } from './problems.ts';

/** How long a first connection may take: a local server answers at once, a distant one within a few round trips, and either late on a starved CI machine. */
const CONNECT_MS = 10_000;

export interface Contact {
  client: Client;
  address: string;
  close(): Promise<void>;
}

/** Connects. Throws InputRefused where the configuration cannot be read, Unavailable where no server answers. */
export async function connect(): Promise<Contact> {
  const { connectionOptions, namespace } = configuration();
  const address = connectionOptions.address ?? 'localhost:7233';
  const connection = await reach(() => Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_MS }), address);
  const client = new Client({ connection, ...(namespace === undefined ? {} : { namespace }) });
  return { client, address, close: () => connection.close() };
}

function configuration() {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new InputRefused([{ field: 'TEMPORAL_… environment', problem: error.message, fix: 'correct the variable or the file it names; `eval "$(goldenpath lab env)"` sets them for the lab' }]);
  }
}

async function reach<T>(attempt: () => Promise<T>, address: string): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const why = grpcDetails(error) ?? error.message;
    throw new GoldenpathError('Unavailable', `No Temporal server answers at ${address}: ${why}`, ['name it in TEMPORAL_ADDRESS, or start the lab: goldenpath lab up, then eval "$(goldenpath lab env)"'], { cause: error });
  }
}
