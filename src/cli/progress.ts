import cliProgress from "cli-progress";

/** Shows on standard error how far a long work has come: a bar in a terminal, else a line every few seconds. */
export interface Progress {
  update(done: number, note: string): void;
  /** Leaves the terminal as it was found; may be called again. */
  stop(): void;
}

const linesEvery_ms = 5000;

/** @param total what `done` counts up to. */
export function createProgress(label: string, total: number): Progress {
  return process.stderr.isTTY ? bar(label, total) : lines(label, total);
}

function bar(label: string, total: number): Progress {
  const single = new cliProgress.SingleBar({
    stream: process.stderr,
    format: `${label} {bar} {percentage} %  {eta_formatted} left  {note}`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
    fps: 10,
  });
  single.start(total, 0, { note: "" });
  return {
    update: (done, note) => single.update(done, { note }),
    stop: () => single.stop(),
  };
}

function lines(label: string, total: number): Progress {
  let next = performance.now() + linesEvery_ms;
  return {
    update(done, note) {
      if (performance.now() < next) return;
      next = performance.now() + linesEvery_ms;
      process.stderr.write(`${label}: ${Math.floor((100 * done) / total)} %  ${note}\n`);
    },
    stop() {},
  };
}
