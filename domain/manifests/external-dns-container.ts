// Which containers are ExternalDNS, and whether one runs as the contract has it: arguments, and nothing that could stand for one (D2).
import { fieldOf } from './places.ts';
import type { ManifestScope } from './scope.ts';

/** Images called external-dns, wherever they come from. */
export const EXTERNAL_DNS_IMAGE_PATTERN = '(^|/)external-dns([@:]|$)';
/** Arguments beside the contract that decide nothing about records: how often it looks, and what it says of itself. */
export const FREE_ARGUMENT_PATTERN = '^--(events|interval=[0-9]+[smh]|log-level=[a-z]+|log-format=[a-z]+|metrics-address=[0-9.]*:[0-9]+)$';
/** Every flag of ExternalDNS can be given as a variable too. Source: ExternalDNS 0.21, pkg/apis/externaldns/types.go, `DefaultEnvars` */
export const FLAG_VARIABLE_PREFIX = 'EXTERNAL_DNS_';

export type ExternalDnsScope = ManifestScope['externalDns'];

/** Something about a container that the contract does not hold, and where it stands. */
export interface Deviation {
  path: (string | number)[];
  given: string;
  problem: string;
  allowed: string;
}

export function isExternalDns(container: unknown, { digest }: Pick<ExternalDnsScope, 'digest'>): boolean {
  const image = fieldOf(container, 'image');
  return typeof image === 'string' && (new RegExp(EXTERNAL_DNS_IMAGE_PATTERN).test(image) || (digest !== undefined && image.endsWith(`@${digest}`)));
}

/** Everything in which a container that is ExternalDNS differs from the contract; empty where nothing does. */
export function deviations(container: unknown, { args: contract }: Pick<ExternalDnsScope, 'args'>): Deviation[] {
  const args = list(container, 'args');
  const free = new RegExp(FREE_ARGUMENT_PATTERN);
  const allowed = `${contract.join(' ')}; beside them only what matches ${FREE_ARGUMENT_PATTERN}`;
  return [
    ...contract.filter((arg) => !args.includes(arg)).map((arg): Deviation => ({ path: ['args'], given: sameFlag(args, arg), problem: `runs without ${arg}`, allowed: arg })),
    ...args.flatMap((arg, index): Deviation[] => (typeof arg === 'string' && (contract.includes(arg) || free.test(arg)) ? [] : [{ path: ['args', index], given: String(arg), problem: 'runs with an argument that the contract does not hold', allowed }])),
    ...(list(container, 'command').length === 0 ? [] : [{ path: ['command'], given: list(container, 'command').join(' '), problem: 'runs with a command, which can hold arguments', allowed: 'no command' }]),
    ...list(container, 'env').flatMap((variable, index): Deviation[] => {
      const name = fieldOf(variable, 'name');
      return typeof name === 'string' && name.startsWith(FLAG_VARIABLE_PREFIX) ? [{ path: ['env', index, 'name'], given: name, problem: 'runs with a variable that stands for an argument', allowed: `no variable that begins with ${FLAG_VARIABLE_PREFIX}` }] : [];
    }),
    ...(list(container, 'envFrom').length === 0 ? [] : [{ path: ['envFrom'], given: 'envFrom', problem: 'takes variables from elsewhere, which can stand for arguments', allowed: 'no envFrom' }]),
  ];
}

function list(container: unknown, field: string): unknown[] {
  const value = fieldOf(container, field);
  return Array.isArray(value) ? value : [];
}

/** What is given in the place of a contracted argument: the same flag with another value, or nothing. */
function sameFlag(args: readonly unknown[], wanted: string): string {
  const [flag = wanted] = wanted.split('=');
  return args.filter((arg) => typeof arg === 'string' && (arg === flag || arg.startsWith(`${flag}=`))).join(' ');
}
