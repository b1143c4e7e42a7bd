// `goldenpath check`: rendered manifests against the rules that admission holds in the cluster, for CI (D1, A1, A4, G1).
import { Argument, Command, Option } from 'commander';
import { manifestScope } from '../../domain/manifests/scope.ts';
import { checkManifests } from '../manifests.ts';
import { InputRefused } from '../problems.ts';
import { prepareTarget } from '../request.ts';
import { EXIT } from './exit.ts';
import { askedOf, type OutputOptions, runs, type TargetOptions, withTarget } from './options.ts';
import { findingLines, summaryLine } from './render-check.ts';
import { sarifLog } from './sarif.ts';

type Options = TargetOptions & OutputOptions;

export function checkCommand(): Command {
  const command = withTarget(new Command('check'))
    .description('hold rendered manifests against the rules of a platform: host names, tiers, images, ExternalDNS, valid documents. Touches nothing')
    .addArgument(new Argument('[path...]', 'files, folders with all below them, or - for stdin'))
    .addOption(new Option('-o, --output <format>', 'what stdout gets').choices(['text', 'json', 'sarif']).default('text'))
    .addHelpText('after', `
The admission policies of the platform refuse the same. Ends with 0 where nothing is found, 1 with findings, each with file,
line and what to do, and 2 where it was asked wrongly. A chart is checked as it is rendered, never its templates.

Examples:
  goldenpath check --env dev --build-id 23-01-26-01 manifests/
  helm template shop charts/shop | goldenpath check --env dev --lifecycle persistent -
  goldenpath check --env dev --build-id 23-01-26-01 manifests/ -o sarif > check.sarif`);
  return runs<Options>(command, async (options, printer, paths) => {
    const { target, versions } = await prepareTarget(askedOf(options), process.env);
    const scope = manifestScope(target, versions.images);
    const report = await checkManifests(named(paths), scope);
    const { environment, lifecycle, hostSuffix, maxTier } = scope;
    if (printer.format === 'json') printer.document({ schema: 1, state: report.findings.length === 0 ? 'clean' : 'findings', scope: { environment, lifecycle, hostSuffix, maxTier }, ...report });
    else if (printer.format === 'sarif') printer.document(sarifLog(report.findings));
    else printer.data(...report.findings.flatMap((finding) => findingLines(finding, printer.paint)));
    printer.message(summaryLine(report, scope));
    return report.findings.length === 0 ? EXIT.ok : EXIT.failed;
  });
}

function named(paths: readonly (string | undefined)[]): string[] {
  const given = paths.flatMap((path) => (path === undefined || path === '' ? [] : [path]));
  if (given.length === 0) throw new InputRefused([{ field: '<path>', problem: 'is missing', allowed: 'files and folders of rendered manifests, or - for stdin', fix: 'say what to check, e.g. goldenpath check --env dev --build-id 23-01-26-01 manifests/' }]);
  return given;
}
