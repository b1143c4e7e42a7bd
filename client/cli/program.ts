// The commands of `goldenpath` under one roof, with the help that belongs to all of them (issue 3 § 8).
import { Command } from 'commander';
import { createRequire } from 'node:module';
import { z } from 'zod';
import { answerCommand } from './answer.ts';
import { auditCommand } from './audit.ts';
import { bootstrapCommand } from './bootstrap.ts';
import { checkCommand } from './check.ts';
import { databaseCommand } from './database.ts';
import { approveCommand, denyCommand } from './decide.ts';
import { demoCommand } from './demo.ts';
import { EXIT_HELP } from './exit.ts';
import { labCommand } from './lab.ts';
import { oidcCommand } from './oidc.ts';
import { orphansCommand } from './orphans.ts';
import { planCommand } from './plan.ts';
import { acceptCommand, preflightCommand } from './probe.ts';
import { signCommand } from './sign.ts';
import { statusCommand } from './status.ts';
import { teardownCommand } from './teardown.ts';
import { versionsCommand } from './versions.ts';
import { watchCommand } from './watch.ts';
import { workerCommand } from './worker.ts';

const { version } = z.object({ version: z.string() }).parse(createRequire(import.meta.url)('../../package.json'));

export function program(): Command {
  const root = new Command('goldenpath')
    .description('Raises developer platforms on EKS and removes them without leaving a DNS record behind; every run is a durable Temporal workflow.')
    .version(version)
    .showHelpAfterError('(see --help)')
    .addHelpText('after', `\n${EXIT_HELP}\n\nExamples:\n  goldenpath demo\n  goldenpath lab up --time-scale 60 && eval "$(goldenpath lab env)"\n  goldenpath bootstrap --env dev --lifecycle ephemeral --build-id 23-01-26-01\n  goldenpath teardown --env dev --build-id 23-01-26-01 --confirm goldenpath-dev-eks-23-01-26-01`);
  const commands = [planCommand(), checkCommand(), bootstrapCommand(), teardownCommand(), statusCommand(), watchCommand(), answerCommand('retry'), answerCommand('abort'), approveCommand(), denyCommand(), signCommand(), auditCommand(), orphansCommand(), databaseCommand(), oidcCommand(), preflightCommand(), acceptCommand(), versionsCommand(), workerCommand(), demoCommand(), labCommand()];
  for (const command of [root, ...commands, ...commands.flatMap(({ commands: inner }) => inner)]) command.exitOverride().showHelpAfterError('(see --help)').showSuggestionAfterError();
  for (const command of commands) root.addCommand(command);
  return root;
}
