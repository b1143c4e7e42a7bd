// Who signed a request: the map from access key to principal. Source: AWS IAM identifiers and STS GetCallerIdentity.

/** An identity that AWS would report for a request. `arn` is what GetCallerIdentity answers. */
export interface Principal {
  kind: 'root' | 'user' | 'assumed-role' | 'anonymous';
  account: string;
  arn: string;
  /** The unique id, e.g. `AIDA…` or `AROA…:session`. */
  userId: string;
  /** The user's or the role's name; empty for root. */
  name: string;
  /** The ARN policies are attached to: the role's for a session, else the same as `arn`. */
  identityArn: string;
}

/** A known access key. A key with an end is refused after it with ExpiredToken. */
export interface AccessKey {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiresAt?: Date;
  /** The policy given to AssumeRole, as JSON, which narrows the session. */
  sessionPolicy?: string;
  principal: Principal;
}

/** The access keys that the gateway knows. */
export type Keys = Map<string, AccessKey>;

/** The account's root, who may do everything (the lab's admin is this, as no policy can lock it out). */
export function rootPrincipal(account: string): Principal {
  const arn = `arn:aws:iam::${account}:root`;
  return { kind: 'root', account, arn, userId: account, name: '', identityArn: arn };
}

/** Nobody: the caller of an unsigned request (AssumeRoleWithWebIdentity). */
export function anonymousPrincipal(account: string): Principal {
  return { kind: 'anonymous', account, arn: 'anonymous', userId: 'anonymous', name: '', identityArn: 'anonymous' };
}

/** A user of the account. */
export function userPrincipal(account: string, name: string, userId: string): Principal {
  const arn = `arn:aws:iam::${account}:user/${name}`;
  return { kind: 'user', account, arn, userId, name, identityArn: arn };
}

/**
 * The session of a role. The session's ARN has no role path; the role's own ARN keeps it.
 * @param roleArn e.g. `arn:aws:iam::111122223333:role/path/name`
 * @param roleId e.g. `AROA…`
 */
export function sessionPrincipal(roleArn: string, roleId: string, session: string): Principal {
  const account = roleArn.split(':')[4] ?? '';
  const name = roleArn.slice(roleArn.lastIndexOf('/') + 1);
  return {
    kind: 'assumed-role',
    account,
    arn: `arn:aws:sts::${account}:assumed-role/${name}/${session}`,
    userId: `${roleId}:${session}`,
    name,
    identityArn: roleArn,
  };
}
