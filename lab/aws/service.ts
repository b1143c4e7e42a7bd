// How a service plugs into the gateway: a typed table of operations whose keys and shapes are the AWS SDK's own types,
// so that a missing operation does not compile. Wire formats come from the SDK's schemas (wire/).
import type { IncomingHttpHeaders } from 'node:http';
import type { JSONWebKeySet } from 'jose';
import type { Clock } from './clock.ts';
import type { Keys, Principal } from './principals.ts';

/** The protocols of AWS that the gateway speaks; `json` is awsJson1.1, `ec2` is EC2's dialect of query. */
export type Protocol = 'rest-xml' | 'rest-json' | 'query' | 'ec2' | 'json';

/** What every service shares: one lab's account, region, time and identities. */
export interface World {
  account: string;
  region: string;
  clock: Clock;
  /** Where moto listens, without a trailing slash. Point SDK clients at it for look-ups that must not be logged. */
  motoUrl: string;
  keys: Keys;
  /** OIDC issuers by URL (`https://…`, no trailing slash) with their public keys; the EKS service registers its clusters'. */
  issuers: Map<string, JSONWebKeySet>;
  /** EKS clusters by name: how the token webhook finds the Kubernetes identity of a principal. */
  clusters: Map<string, ClusterIdentities>;
}

/** The access entries of one EKS cluster, as the token webhook needs them. */
export interface ClusterIdentities {
  /** Username and groups of a principal by the cluster's access entries, or nothing where no entry matches. */
  identify(principal: Principal): { username: string; groups: string[] } | undefined;
}

/** A request as it came in. */
export interface WireRequest {
  method: string;
  /** Path as sent, still percent-encoded, without the query. */
  path: string;
  query: URLSearchParams;
  /** The query as sent, without `?`. */
  rawQuery: string;
  headers: IncomingHttpHeaders;
  /** Names and values in the order and case they were sent. */
  rawHeaders: string[];
  body: Buffer;
}

/** One call of one operation, as its handler sees it. */
export interface Call<State> {
  state: State;
  world: World;
  now: Date;
  clock: Clock;
  account: string;
  region: string;
  principal: Principal;
  operation: string;
  requestId: string;
  request: WireRequest;
}

/** What a caller must be allowed to do; conditions are values by context key, e.g. `route53:ChangeResourceRecordSetsActions`. */
export interface Need {
  action: string;
  resource: string;
  context?: Record<string, string[]>;
}

/** Input and output of operations by name. */
export type OperationTypes = Record<string, { input: unknown; output: unknown }>;

/** The operations of an SDK module: `OperationsOf<typeof import('@aws-sdk/client-eks')>`. */
export type OperationsOf<Sdk> = {
  [Key in keyof Sdk as CommandName<Key>]: Sdk[Key] extends abstract new (...args: never[]) => infer Command
    ? { input: Command extends { input: infer Input } ? Input : never; output: AnswerOf<Command> }
    : never;
};

type CommandName<Key> = Key extends `${infer Name}Command` ? (Name extends '$' | '' ? never : Name) : never;

type AnswerOf<Command> = Command extends {
  resolveMiddleware(...args: never[]): (...args: never[]) => Promise<{ output: infer Output }>;
}
  ? Omit<Output & object, '$metadata'>
  : never;

/** Runs one operation. It throws {@link awsError} to refuse. */
export type Run<State, Operation extends { input: unknown; output: unknown }> = (
  call: Call<State>,
  input: Operation['input'],
) => Operation['output'] | Promise<Operation['output']>;

/** Like {@link Run} for an operation that moto does: `answer` asks moto with the very request and gives its parsed answer. */
export type Mend<State, Operation extends { input: unknown; output: unknown }> = (
  call: Call<State>,
  input: Operation['input'],
  answer: () => Promise<Operation['output']>,
) => Operation['output'] | Promise<Operation['output']>;

interface Described<Operations> {
  /** The service name in the SigV4 credential scope, e.g. `route53`. */
  scope: string;
  protocol: Protocol;
  /** The SDK module, from which operations get their routes and shapes. */
  sdk: Record<string, unknown>;
  /** The XML namespace of answers (rest-xml, query, ec2). */
  namespace?: string;
  /** The resource an input speaks of, for the request log and fault rules. */
  resource?(operation: keyof Operations & string, input: Record<string, unknown>): string | undefined;
  /** What an input asks to be changed, one line each, for the request log. */
  changes?(operation: keyof Operations & string, input: Record<string, unknown>): string[] | undefined;
  /** What the caller must be allowed to do; a service without it lets every known principal in. */
  needs?(operation: keyof Operations & string, input: Record<string, unknown>, world: World): Need[];
}

/** A service that the gateway owns whole: every operation of the SDK is named, `'not-implemented'` answers 501. */
export interface Service<State, Operations> extends Described<Operations> {
  operations: {
    [Name in keyof Operations]: Run<State, Operations[Name] & { input: unknown; output: unknown }> | 'not-implemented';
  };
  /** Looked at before an operation runs; throws to refuse, e.g. for the service's rate limit. */
  admit?(call: Call<State>): void;
}

/** A service of moto with some operations mended; what is not named goes to moto as it is. */
export interface Overlay<State, Operations> extends Described<Operations> {
  mends: { [Name in keyof Operations]?: Mend<State, Operations[Name] & { input: unknown; output: unknown }> };
}

/** A service bound to its state, ready for `startGateway({ services })`. */
export interface Plugged {
  scope: string;
  protocol: Protocol;
  sdk: Record<string, unknown>;
  namespace: string | undefined;
  state: unknown;
  /** True where unnamed operations go to moto, false where they answer 501. */
  overlay: boolean;
  operationNames: string[];
  resource(operation: string, input: Record<string, unknown>): string | undefined;
  changes(operation: string, input: Record<string, unknown>): string[] | undefined;
  needs(operation: string, input: Record<string, unknown>, world: World): Need[];
  /** The operation's handler; nothing where moto or a 501 answers. */
  handler(operation: string): ErasedRun | undefined;
}

/** A handler with its types erased. */
export type ErasedRun = (call: Omit<Call<unknown>, 'state'>, input: unknown, answer: () => Promise<unknown>) => unknown;

/** Binds a whole service to its state. */
export function plugService<State, Operations>(service: Service<State, Operations>, state: State): Plugged {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- types are erased here, once; the table's own type checked it
  const table = service.operations as Record<string, Run<State, { input: unknown; output: unknown }> | 'not-implemented'>;
  return {
    ...common(service, state),
    overlay: false,
    operationNames: Object.keys(table),
    handler(operation) {
      const run = table[operation];
      if (run === undefined || run === 'not-implemented') return undefined;
      return (call, input) => {
        const bound = { ...call, state };
        service.admit?.(bound);
        return run(bound, input);
      };
    },
  };
}

/** Binds an overlay on moto to its state. */
export function plugOverlay<State, Operations>(overlay: Overlay<State, Operations>, state: State): Plugged {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- types are erased here, once; the table's own type checked it
  const table = overlay.mends as Record<string, Mend<State, { input: unknown; output: unknown }> | undefined>;
  return {
    ...common(overlay, state),
    overlay: true,
    operationNames: Object.keys(table),
    handler(operation) {
      const mend = table[operation];
      return mend && ((call, input, answer) => mend({ ...call, state }, input, answer));
    },
  };
}

function common<Operations>(described: Described<Operations>, state: unknown) {
  return {
    scope: described.scope,
    protocol: described.protocol,
    sdk: described.sdk,
    namespace: described.namespace,
    state,
    resource: (operation: string, input: Record<string, unknown>) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only operations of the SDK are matched
      described.resource?.(operation as keyof Operations & string, input),
    changes: (operation: string, input: Record<string, unknown>) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only operations of the SDK are matched
      described.changes?.(operation as keyof Operations & string, input),
    needs: (operation: string, input: Record<string, unknown>, world: World) =>
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only operations of the SDK are matched
      described.needs?.(operation as keyof Operations & string, input, world) ?? [],
  };
}

/** An error that AWS would answer. The status comes from the SDK's schema of the code where none is given (else 400). */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly status: number | undefined;
  /** Further members of the error's shape, e.g. `clusterName` of ResourceInUseException. */
  readonly fields: Record<string, unknown>;

  constructor(code: string, message: string, status?: number, fields: Record<string, unknown> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

/**
 * Refuses a call as AWS does.
 * @param code AWS's error code, e.g. `NoSuchHostedZone`
 * @param message one text, or a list where AWS lists every problem in brackets (InvalidChangeBatch)
 * @param status HTTP status; by default the one of the SDK's schema
 * @throws AwsError always
 */
export function awsError(code: string, message: string | readonly string[], status?: number, fields?: Record<string, unknown>): never {
  throw new AwsError(code, typeof message === 'string' ? message : `[${message.join(', ')}]`, status, fields);
}
