// `goldenpath versions verify`: the version manifest against a running platform, item by item (C1, G1).
import { Command } from 'commander';
import { connect } from '../connection.ts';
import { prepare } from '../request.ts';
import { verifyVersions } from '../versions.ts';
import { EXIT } from './exit.ts';
import { askedOf, originOf, type OriginOptions, type OutputOptions, runs, type TargetOptions, withOrigin, withOutput, withTarget } from './options.ts';
import { withProgress } from './progress.ts';
import { versionLines } from './render-versions.ts';

type Options = TargetOptions & OriginOptions & OutputOptions;

export function versionsCommand(): Command {
  return new Command('versions').description('the version manifest environments/versions.yaml and what runs').addHelpText('after', '\nExample:\n  goldenpath versions verify --env dev --build-id 23-01-26-01').addCommand(verifyCommand());
}

function verifyCommand(): Command {
  const command = withOutput(withOrigin(withTarget(new Command('verify'))))
    .description('compare the version manifest with a running platform: Kubernetes, add-ons, nodes, pinned manifests, applications, images. Changes nothing')
    .addHelpText('after', `
Ends with 0 where everything is as pinned, and with 5 where something is not. Where anything cannot be read the command fails:
it says "as pinned" of a complete look only.

Examples:
  goldenpath versions verify --env dev --build-id 23-01-26-01
  goldenpath versions verify --env dev --lifecycle persistent
  goldenpath versions verify --env dev --build-id 23-01-26-01 -o json | jq '.items[] | select(.ok | not)'`);
  return runs<Options>(command, async (options, printer) => {
    const prepared = await prepare({ ...askedOf(options), ...originOf(options, process.env), operation: 'bootstrap' }, process.env);
    const contact = await connect();
    try {
      const report = await withProgress(printer, `Comparing ${prepared.plan.target.cluster} with the version manifest`, () => verifyVersions(contact.client, prepared));
      if (printer.format === 'json') printer.document(report);
      else printer.data(...versionLines(report, printer.paint));
      return report.state === 'as-pinned' ? EXIT.ok : EXIT.gateFailed;
    } finally {
      await contact.close();
    }
  });
}
