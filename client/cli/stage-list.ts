// The stages of a run as a list that redraws itself, for a person at a terminal.
import { Listr, type ListrTaskWrapper, type ListrDefaultRendererLogLevels, ListrLogger, ProcessOutput, type DefaultRenderer, type SimpleRenderer } from 'listr2';
import type { StageReport } from '../../domain/report.ts';
import type { RunView } from '../watch.ts';
import { errorLines, pendingLines, silentLine, stageLine } from './render.ts';
import { duration } from './render-words.ts';

type Wrapper = ListrTaskWrapper<unknown, typeof DefaultRenderer, typeof SimpleRenderer>;

/** A stage that did not end well, or that this terminal no longer follows. */
class Stopped extends Error {}

export interface StageList {
  show(view: RunView): void;
  /** Stops drawing; what is drawn stays. */
  end(): Promise<void>;
}

/** Draws on stderr, one task a stage; a stage's task ends when the report says so. */
export function stageList(stages: readonly StageReport[]): StageList {
  const steps = stages.map(() => Promise.withResolvers<'done' | 'stopped'>());
  const wrappers: (Wrapper | undefined)[] = [];
  let latest: RunView | undefined;
  const draw = (index: number) => {
    const [task, stage] = [wrappers[index], latest?.report?.stages[index]];
    if (task === undefined || stage === undefined || latest === undefined) return;
    const soFar = stage.status === 'running' && stage.startedAt !== undefined ? ` ${duration(Date.now() - stage.startedAt)}` : '';
    task.title = `${stageLine(stage, plain).replace(/^\S+ /, '')}${soFar}`;
    task.output = (stage.status === 'running' ? awaited(latest) : errorLines(stage, plain)).join('\n');
  };
  const logger = new ListrLogger<ListrDefaultRendererLogLevels>({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  const list = new Listr(
    stages.map((stage, index) => ({
      title: stage.title,
      task: async (_: unknown, task: Wrapper) => {
        wrappers[index] = task;
        draw(index);
        if ((await steps[index]?.promise) === 'stopped') throw new Stopped(task.output ?? '');
        task.output = '';
      },
    })),
    { concurrent: false, exitOnError: true, registerSignalListeners: false, renderer: 'default', rendererOptions: { logger, collapseErrors: false, showErrorMessage: false, formatOutput: 'wrap' } },
  );
  const drawn = list.run().catch((error: unknown) => { if (!(error instanceof Stopped)) throw error; });
  return {
    show: (view) => {
      latest = view;
      for (const [index, stage] of (view.report?.stages ?? []).entries()) {
        draw(index);
        if (stage.status === 'done') steps[index]?.resolve('done');
        if (stage.status === 'failed' || stage.status === 'waiting') steps[index]?.resolve('stopped');
      }
    },
    end: async () => {
      // A stage that is let go of has not failed.
      if (latest?.outcome === undefined && latest?.report?.waiting === undefined) logger.options = { ...logger.options, icon: { ...logger.options?.icon, FAILED: '…' } };
      for (const step of steps) step.resolve('stopped');
      await drawn;
    },
  };
}

const plain = (_: string, text: string) => text;

function awaited({ pending, silent }: RunView): string[] {
  return silent === undefined ? pendingLines(pending) : [silentLine(silent)];
}
