import { describe, expect, it } from "vitest";
import { receptionFailure } from "./grid-reception.js";
import { randomGenerator } from "./independent/random-generator.js";
import { randomTransformPrecodedGrant } from "./independent/random-transform-precoded-grants.js";
import { hasData } from "./independent/reference-data.js";
import { isSelfDecodable } from "./independent/self-decodable.js";

const seed = 38_211_631;
const grantCount = 150;

describe.skipIf(!hasData)("the receiver on DFT-s-OFDM grids of the independent transmitter", () => {
  const parts = [0, 1];

  it.each(parts)(
    `returns the transport blocks of ${grantCount} random grants of seed ${seed}, part %i of ${parts.length}`,
    { timeout: 120_000 },
    (part) => {
      const failures: string[] = [];
      for (let index = part, done = 0; done < grantCount / parts.length; index += parts.length) {
        const random = randomGenerator(1000 * seed + index);
        const grant = randomTransformPrecodedGrant(random, index);
        if (!isSelfDecodable(grant, 20)) continue;
        done++;
        const wrong = receptionFailure(grant, random, 4);
        if (wrong !== undefined) failures.push(`grant ${index}: ${wrong}: ${JSON.stringify(grant)}`);
      }
      expect(failures).toEqual([]);
    },
  );
});
