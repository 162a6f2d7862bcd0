import { describe, expect, it } from "vitest";
import { receptionFailure } from "./grid-reception.js";
import { randomGenerator } from "./independent/random-generator.js";
import { randomGrant } from "./independent/random-grants.js";
import { hasData } from "./independent/reference-data.js";
import { isSelfDecodable } from "./independent/self-decodable.js";

const seed = 38_211;
const grantCount = 220;

describe.skipIf(!hasData)("the receiver on grids of the independent transmitter", () => {
  const parts = [0, 1, 2, 3];

  it.each(parts)(
    `returns the transport blocks of ${grantCount} random grants of seed ${seed}, part %i of ${parts.length}`,
    { timeout: 120_000 },
    (part) => {
      const failures: string[] = [];
      let done = 0;
      for (let index = part; done < grantCount / parts.length; index += parts.length) {
        const random = randomGenerator(1000 * seed + index);
        const grant = randomGrant(random, index);
        // Half of the iterations that the receiver has: noise, little as it is, takes some.
        if (!isSelfDecodable(grant, 20)) continue;
        done++;
        const wrong = receptionFailure(grant, random, 8);
        if (wrong !== undefined) failures.push(`grant ${index}: ${wrong}: ${JSON.stringify(grant)}`);
      }
      expect(failures).toEqual([]);
    },
  );
});
