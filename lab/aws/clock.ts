// The lab's time: durations of AWS operations are divided by the time scale, real seconds of real controllers are not.
// Source of the durations themselves: the service that uses them (published or measured, in seconds of real AWS).

/** Time for a service of the gateway. All durations that go in are seconds as they are on AWS. */
export interface Clock {
  /** How many seconds of AWS pass in one real second; at least 1. */
  readonly timeScale: number;
  /** The real instant; timestamps in answers are real. */
  now(): Date;
  /** Milliseconds of real time that a duration of `seconds` on AWS takes in this lab. */
  scaled(seconds: number): number;
  /** Runs `step` once `seconds` of AWS have passed; the result cancels it. A step that throws reaches `onError`. */
  after(seconds: number, step: () => void | Promise<void>): () => void;
  /** Cancels every step that still waits. */
  close(): void;
}

/**
 * Makes the clock of a lab.
 * @param timeScale factor ≥ 1 by which durations shrink
 * @param onError told of a step that threw; by default the process ends with the error, as for any bug
 * @throws RangeError when the scale is not a number of at least 1
 */
export function createClock(timeScale: number, onError: (cause: unknown) => void = failLoudly): Clock {
  if (!(timeScale >= 1)) throw new RangeError(`time scale must be at least 1, not ${timeScale}`);
  const waiting = new Set<NodeJS.Timeout>();
  const scaled = (seconds: number): number => (seconds * 1000) / timeScale;

  return {
    timeScale,
    now: () => new Date(),
    scaled,
    after(seconds, step) {
      const timer = setTimeout(() => {
        waiting.delete(timer);
        new Promise<void>((resolve) => resolve(step())).catch(onError);
      }, scaled(seconds));
      waiting.add(timer);
      return () => {
        clearTimeout(timer);
        waiting.delete(timer);
      };
    },
    close() {
      for (const timer of waiting) clearTimeout(timer);
      waiting.clear();
    },
  };
}

function failLoudly(cause: unknown): void {
  queueMicrotask(() => {
    throw cause;
  });
}
