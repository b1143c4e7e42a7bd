// `goldenpath audit`: who asked, who decided and what was destroyed, from the registry bucket alone (B2).
import { Command } from 'commander';
import { readAuditTrail } from '../audit.ts';
import { environmentsFolder, readEnvironment } from '../files.ts';
import { InputRefused } from '../problems.ts';
import { EXIT } from './exit.ts';
import { type OutputOptions, runs, type TargetOptions, withOutput, withTarget } from './options.ts';
import { auditLines } from './render-audit.ts';
import { RUN_HELP, runOf } from './run-ref.ts';

type Options = TargetOptions & OutputOptions;

export function auditCommand(): Command {
  const command = withOutput(withTarget(new Command('audit')))
    .argument('[run]', RUN_HELP)
    .description('show the audit trail of a platform: requests, every answer with its signature, proofs, destroying calls')
    .addHelpText('after', `
Read from the registry bucket of the environment with your own AWS credentials (s3:ListBucket, s3:GetObject); Temporal is
not asked, and need not be there. All runs of the platform, in the order of time. An object under the prefix that is no
entry is named, and the command ends with 1.

Examples:
  goldenpath audit --env dev --build-id 23-01-26-01
  goldenpath audit goldenpath-dev-eks-23-01-26-01 -o json | jq '.entries[] | select(.kind == "attempt" and (.accepted | not))'`);
  return runs<Options>(command, async (options, printer, [name]) => {
    const { workflowId } = await runOf(name, options, process.env);
    const [, environment = '', cluster = ''] = workflowId.split('/');
    const read = await readEnvironment(environmentsFolder(process.env), environment);
    if (read.value === undefined) throw new InputRefused(read.problems);
    const { bucket, prefix, entries, unreadable } = await readAuditTrail(read.value, cluster);
    if (printer.format === 'json') printer.document({ schema: 1, environment, cluster, entries, unreadable });
    else if (entries.length > 0) printer.data(...auditLines(entries, printer.paint));
    else if (unreadable.length === 0) printer.data(`There is no audit trail of ${cluster}: s3://${bucket}/${prefix} is empty.`);
    for (const { key, why } of unreadable) printer.message(`s3://${bucket}/${key} ${why}`);
    return unreadable.length === 0 ? EXIT.ok : EXIT.failed;
  });
}
