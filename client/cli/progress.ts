// One piece of work with a line that says what it is at: redrawn at a terminal, plain lines elsewhere.
import { Listr, type ListrDefaultRendererLogLevels, ListrLogger, ProcessOutput } from 'listr2';
import type { Printer } from './print.ts';

/** Does the work and shows its progress on stderr; what it throws is thrown on. */
export async function withProgress<T>(printer: Printer, title: string, work: (say: (line: string) => void) => Promise<T>): Promise<T> {
  if (!printer.live) {
    printer.message(title);
    return work((line) => { printer.message(`  ${line}`); });
  }
  const result = Promise.withResolvers<T>();
  const logger = new ListrLogger<ListrDefaultRendererLogLevels>({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  const list = new Listr(
    [{ title, task: async (_, task) => {
      try {
        result.resolve(await work((line) => { task.output = line; }));
      } catch (error) {
        result.reject(error);
        throw error;
      }
    } }],
    { exitOnError: false, registerSignalListeners: false, renderer: 'default', rendererOptions: { logger, showErrorMessage: false, collapseErrors: false } },
  );
  await Promise.all([list.run(), result.promise.catch(() => {})]);
  return result.promise;
}
