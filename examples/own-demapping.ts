/** A demapper of one's own for QPSK, as a kernel, in the standard's receive chain. */
import {
  arith,
  buffer,
  createSimulatedCell,
  createUplinkReceiver,
  demapping,
  goldBits,
  grantFieldIndex,
  type Kernel,
  kernel,
  LLR_SCALE,
  math,
  parseCarrier,
  scf,
  vector,
} from "../src/index.js";

/** Soft bits of QPSK: the log-likelihood ratio √8·amplitude/variance in the scale of the port. */
function qpskKernel(resourceElements: number): Kernel {
  const lanes = 8;
  const count = 2 * resourceElements;
  return kernel(
    `example_qpsk_${resourceElements}`,
    {
      symbols: buffer("f32", count),
      noise: buffer("f32", resourceElements),
      llrs: buffer("i8", count + lanes),
    },
    ({ symbols, noise, llrs }) => {
      scf.for(0, count, lanes, (i) => {
        const variance = vector.load(noise, arith.divsi(i, 2), lanes / 2);
        const llr = arith.divf(
          arith.mulf(vector.load(symbols, i, lanes), LLR_SCALE * Math.sqrt(8)),
          vector.interleave(variance, variance),
        );
        const limited = arith.minimumf(arith.maximumf(math.roundeven(llr), -127), 127);
        vector.store(arith.trunci(arith.fptosi(limited, "i32"), "i8"), llrs, i);
      });
    },
  );
}

demapping.implement("example-qpsk", {
  kind: "model",
  prepare({ dimensions, inputs, outputs, scratch, compile }) {
    const run = compile(qpskKernel(dimensions.re));
    // A whole number of vectors: the kernel writes past an odd end.
    const scratchLlrs = scratch("llrs", "int8", dimensions.codewordBit + 16);
    const { symbols, noise, grant } = inputs;
    const out = outputs.llrs.view;
    const scrambling = new Uint8Array(dimensions.codewordBit);
    let scrambled = -1;
    return () => {
      run(symbols.offset, noise.offset, scratchLlrs.offset);
      const init = grant.view[grantFieldIndex.scramblingInit]!;
      if (init !== scrambled) goldBits(init, scrambling);
      scrambled = init;
      for (let bit = 0; bit < out.length; bit++) {
        out[bit] = scrambling[bit] === 1 ? -scratchLlrs.view[bit]! : scratchLlrs.view[bit]!;
      }
    };
  },
});

const carrier = parseCarrier({ subcarrierSpacing: 30, carrierPrbs: 25 });
const grant = {
  physCellId: 7,
  rnti: 4660,
  bwpSize: 25,
  subcarrierSpacing: 30,
  rbStart: 0,
  rbSize: 25,
  mcsTable: 1,
  mcsIndex: 4,
  nrOfLayers: 1,
  dmrsConfigType: 1,
  dmrsSymbPos: [2, 11],
  dmrsPorts: [0],
  numDmrsCdmGrpsNoData: 2,
};
const receiver = createUplinkReceiver({
  carrier,
  receiveAntennas: 1,
  implementations: { demapping: "example-qpsk" },
});
const cell = createSimulatedCell({
  carrier,
  grant,
  receiveAntennas: 1,
  guard: receiver.guard,
  profile: "awgn",
  snr_db: 5,
  seed: 1,
});
let received = 0;
for (let slot = 0; slot < 20; slot++) {
  const { configuration, samples } = cell.next();
  if (receiver.receive(samples, configuration.grant).crc) received++;
}
console.log(`${received} of 20 transport blocks received with a demapper of our own`);
process.exitCode = received >= 19 ? 0 : 1;
