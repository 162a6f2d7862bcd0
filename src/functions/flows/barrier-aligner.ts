/**
 * Aligns the barriers that come in at the inputs of one task, after Carbone et al., "Lightweight asynchronous snapshots
 * for distributed dataflows": an input whose barrier has come waits until the state is copied, which is when those of all
 * inputs that are not feedback have come; what comes in at a feedback input behind the copy and before its barrier is
 * logged.
 *
 * Invariants:
 * 1. The state of an epoch is copied when its barrier has come in at every input that is not feedback, and while it is
 *    awaited nothing is processed that came in behind it: the copy has seen all before the barrier and nothing behind it.
 * 2. Of a feedback input, exactly what comes in between the copy and its barrier is logged.
 * 3. Epochs are copied and completed at most once, and in ascending order.
 * 4. Barriers of epochs that are over, completed or aborted, change nothing, and a later epoch's aborts an earlier one.
 * 5. Without an epoch under way no input waits.
 */
export interface BarrierAligner {
  /** Takes a barrier that came in at an input. */
  barrier(input: number, epoch: number): Step;
  /** Ends an epoch, and all before it, without completing them. */
  abort(epoch: number): void;
  /** Whether what comes in at this input must wait. */
  waits(input: number): boolean;
  /** Whether what comes in at this feedback input belongs to the epoch under way. */
  logs(input: number): boolean;
  /** The epoch under way, and the inputs whose barriers are awaited. */
  pending(): { readonly epoch: number; readonly inputs: readonly number[] } | undefined;
}

/** What a barrier brings about. */
export interface Step {
  /** Copy the state for this epoch and send its barrier on, before anything else is processed. */
  readonly copy: boolean;
  /** All of the epoch is there: copy and logs. */
  readonly complete: boolean;
}

const nothing: Step = { copy: false, complete: false };

/** An aligner for inputs of which those are feedback that `feedback` says. At least one must not be. */
export function createBarrierAligner(feedback: readonly boolean[]): BarrierAligner {
  const arrived = feedback.map(() => false);
  const regular = feedback.filter((loop) => !loop).length;
  /** The highest epoch that is over. */
  let over = 0;
  let current = 0;
  let underWay = false;
  let copied = false;
  let missingRegular = 0;
  let missingFeedback = 0;

  const end = (): void => {
    over = current;
    underWay = false;
    copied = false;
    arrived.fill(false);
  };

  return {
    barrier(input, epoch) {
      if (epoch <= over || (underWay && epoch < current)) return nothing;
      if (underWay && epoch > current) end();
      if (!underWay) {
        underWay = true;
        current = epoch;
        missingRegular = regular;
        missingFeedback = feedback.length - regular;
      }
      if (arrived[input]) return nothing;
      arrived[input] = true;
      if (feedback[input]) missingFeedback--;
      else missingRegular--;
      const copy = !copied && missingRegular === 0;
      copied ||= copy;
      const complete = copied && missingFeedback === 0;
      if (complete) end();
      return { copy, complete };
    },
    abort(epoch) {
      if (underWay && current <= epoch) end();
      over = Math.max(over, epoch);
    },
    // Of replicas that share a loop one may send the barrier round before another has copied: feedback waits as well.
    waits: (input) => underWay && !copied && arrived[input],
    logs: (input) => copied && feedback[input] && !arrived[input],
    pending() {
      if (!underWay) return undefined;
      const inputs = arrived.flatMap((there, input) => (there ? [] : [input]));
      return { epoch: current, inputs };
    },
  };
}
