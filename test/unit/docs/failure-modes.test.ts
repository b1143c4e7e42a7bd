// Holds docs/reference/failure-modes.md to the tests: every failure is there, and every test that it names exists and bears the failure's number.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');
const PAGE = 'docs/reference/failure-modes.md';
const FAILURES = Array.from({ length: 41 }, (_, index) => String(index + 1));
const SCRIPTS = Array.from({ length: 10 }, (_, index) => `S${index + 1}`);

interface Row {
  number: string;
  proofs: { file: string; title: string }[];
}

/** The rows of both tables. A proof is a file and the beginning of a title: `file` “title…”. */
function rowsOf(page: string): Row[] {
  return [...page.matchAll(/^\| (S?\d+) \| .* \| (.*) \|$/gm)].map(([, number = '', cell = '']) => ({
    number,
    proofs: [...cell.matchAll(/`([^`]+)` “([^”]+)…”/g)].map(([, file = '', title = '']) => ({ file, title })),
  }));
}

/** The titles of a file's tests, as they stand in its source. */
function titlesOf(file: string): string[] {
  const text = existsSync(resolve(root, file)) ? read(file) : '';
  const titles = [...text.matchAll(/\(\s*(?:'((?:\\.|[^'\\\n])*)'|"((?:\\.|[^"\\\n])*)")/g)].map(([, single, double]) => single ?? double ?? '');
  return titles.map((title) => title.replaceAll(/\\(.)/g, '$1'));
}

/** The numbers that a title names: `failure 9: …`, `D4, failures 14, 17, 18: …`. */
function numbersOf(title: string): string[] {
  return [...title.matchAll(/failures? ((?:\d+(?:–\d+)?(?:, )?)+)/g)].flatMap(([, list = '']) => list.split(', ')).flatMap((part) => {
    const [from = 0, to = from] = part.split('–').map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => String(from + index));
  });
}

const rows = rowsOf(read(PAGE));

describe('failure modes', () => {
  it('X4: each has one row, in order, and so has each thing that the scripts got wrong', () => {
    expect(rows.map(({ number }) => number)).toEqual([...FAILURES, ...SCRIPTS]);
  });

  it.each(rows.map((row) => [row.number, row] as const))('X4: what proves %s exists', (_, { proofs }) => {
    expect(proofs.length).toBeGreaterThan(0);
    expect(proofs.filter(({ file, title }) => !titlesOf(file).some((full) => full.startsWith(title)))).toEqual([]);
  });

  it.each(rows.filter(({ number }) => FAILURES.includes(number)).map((row) => [row.number, row] as const))('X4: failure mode %s is proven by a test that bears its number, against the lab or a whole workflow', (number, { proofs }) => {
    const named = proofs.filter(({ file, title }) => titlesOf(file).some((full) => full.startsWith(title) && numbersOf(full).includes(number)));
    expect(named.some(({ file }) => /^test\/(lab|workflow)\//.test(file))).toBe(true);
  });

  it('X4: a test that does not exist, and a number that is not borne, are seen', () => {
    expect(rowsOf('| 7 | a | b | `test/lab/none.test.ts` “failure 7: none…” |')).toEqual([{ number: '7', proofs: [{ file: 'test/lab/none.test.ts', title: 'failure 7: none' }] }]);
    expect(titlesOf('test/lab/none.test.ts')).toEqual([]);
    expect(numbersOf('D4, failures 2, 21, 31–33: x')).toEqual(['2', '21', '31', '32', '33']);
  });
});

describe('what the product cannot do', () => {
  /** Commands of the SDK that take something away, by the clients that the product has. */
  const DESTROYS = /^(Delete|Terminate|Remove|Release|Detach|Disassociate|Deregister|Revoke|Schedule|Disable|Stop|Cancel|Reset|Purge|Empty|Abort)\w*Command$/;
  const ALLOWED = {
    'cloudwatch-logs': ['DeleteLogGroupCommand'],
    ec2: ['DeleteNetworkInterfaceCommand', 'DeleteSecurityGroupCommand', 'DeleteVolumeCommand', 'RevokeSecurityGroupEgressCommand', 'RevokeSecurityGroupIngressCommand', 'TerminateInstancesCommand'],
    eks: ['DeleteClusterCommand', 'DeleteFargateProfileCommand', 'DeleteNodegroupCommand'],
    'elastic-load-balancing-v2': ['DeleteLoadBalancerCommand', 'DeleteTargetGroupCommand'],
    iam: [
      'DeleteInstanceProfileCommand', 'DeleteOpenIDConnectProviderCommand', 'DeletePolicyCommand', 'DeletePolicyVersionCommand', 'DeleteRoleCommand', 'DeleteRolePolicyCommand',
      'DetachRolePolicyCommand', 'RemoveRoleFromInstanceProfileCommand',
    ],
    rds: ['DeleteDBInstanceCommand'],
    'route-53': ['DeleteResourceRecordSetProtectionsCommand'],
  };

  it('failures 19, 25, 31–34: the product imports no command that deletes a zone, a network, a secret, a key or a bucket; one that deletes a database only for its own destruction', () => {
    const found: Record<string, string[]> = {};
    for (const file of globSync('{activities,client,domain,workers,workflows}/**/*.ts', { cwd: root })) {
      for (const [, names = '', client = ''] of read(file).matchAll(/import \{([^}]+)\} from '@aws-sdk\/client-([\w-]+)'/g)) {
        const destroying = names.split(',').map((name) => name.trim()).filter((name) => DESTROYS.test(name));
        if (destroying.length > 0) found[client] = [...new Set([...(found[client] ?? []), ...destroying])].toSorted();
      }
    }
    expect(found).toEqual(ALLOWED);
  });

  it('failure 33: a database is deleted in one place, behind the guard', () => {
    const deleting = globSync('{activities,client,domain,workers,workflows}/**/*.ts', { cwd: root }).filter((file) => read(file).includes('DeleteDBInstanceCommand'));
    expect(deleting).toEqual(['activities/rds-destroy.ts']);
    expect(read('activities/rds-destroy.ts')).toContain("await demandDecision('destroy', input);");
  });

  it('failure 33: only the activities of the database commands have commands for RDS; the others know its types', () => {
    const speaking = globSync('{activities,client,domain,workers,workflows}/**/*.ts', { cwd: root }).filter((file) => /import (?!type)[^;]*'@aws-sdk\/client-rds'/.test(read(file)));
    expect(speaking.toSorted()).toEqual(['activities/clients.ts', 'activities/rds-destroy.ts', 'activities/rds-instance.ts', 'activities/rds-network.ts', 'activities/rds.ts']);
  });
});
