import {
  argument,
  arith,
  buffer,
  type Kernel,
  kernel,
  kernelBuilder,
  memref,
  scf,
  vector,
} from "../../compiler/index.js";

/**
 * Puts parts of sequences one behind the other: the first `partLength` bytes of each of `sequences` that stand `stride`
 * bytes apart, `total` bytes at most.
 * @param lanes bytes of a vector
 */
export const concatenationKernel = kernelBuilder(
  import.meta.url,
  "concatenationKernel",
  (lanes: number): Kernel => {
    const most = 2 ** 24;
    return kernel(
      `concatenation_v${lanes}`,
      {
        bytes: buffer("i8", most),
        joined: buffer("i8", most),
        sequences: argument("index"),
        stride: argument("index"),
        partLength: argument("index"),
        total: argument("index"),
      },
      ({ bytes, joined, sequences, stride, partLength, total }) => {
        scf.for(0, sequences, 1, (index) => {
          const from = arith.muli(index, stride);
          const to = arith.muli(index, partLength);
          // Negative where nothing is left, so that neither loop runs.
          const count = arith.minsi(partLength, arith.subi(total, to));
          const whole = arith.subi(count, arith.remsi(count, lanes));
          scf.for(0, whole, lanes, (at) => {
            vector.store(vector.load(bytes, arith.addi(from, at), lanes), joined, arith.addi(to, at));
          });
          scf.for(whole, count, 1, (at) => {
            memref.store(memref.load(bytes, arith.addi(from, at)), joined, arith.addi(to, at));
          });
        });
      },
    );
  },
);
