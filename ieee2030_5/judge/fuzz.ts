import assert from 'node:assert/strict';
import { GridError } from '#hal/errors.ts';
import { monotonicMs } from '#hal/wall.ts';
import { namespace2013, namespace2018, namespaceCsipAus12, namespaceCsipAus13 } from '../namespaces.ts';
import { type ParseOptions, parseDocument } from '../parse.ts';
import { type Choose, choicesOf } from './choices.ts';

/** Documents as clients send them: what the fuzzer starts from. */
export const seeds: readonly string[] = [
  `<?xml version="1.0" encoding="UTF-8"?><EndDeviceList xmlns="${namespace2018}" href="/edev" all="1" results="1" subscribable="0"><EndDevice href="/edev/1"><lFDI>3E4F45AB31EDFE5B67E343E5E4562E31984E23E5</lFDI><sFDI>167261211391</sFDI><changedTime>1767225600</changedTime><enabled>true</enabled></EndDevice></EndDeviceList>`,
  `<DERControl xmlns="${namespace2018}" xmlns:csipaus="${namespaceCsipAus13}" href="/derp/1/derc/2" replyTo="/rsps/1/rsp" responseRequired="03"><mRID>0A01</mRID><description>limit &lt;1&gt;</description><creationTime>1</creationTime><EventStatus><currentStatus>0</currentStatus><dateTime>1</dateTime><potentiallySuperseded>false</potentiallySuperseded></EventStatus><interval><duration>60</duration><start>9</start></interval><DERControlBase><opModConnect>1</opModConnect><csipaus:opModImpLimW><multiplier>0</multiplier><value>1500</value></csipaus:opModImpLimW></DERControlBase></DERControl>`,
  `\ufeff<s:DERSettings xmlns:s="${namespace2013}" xmlns:c='${namespaceCsipAus12}'><!-- é --><s:modesEnabled>00</s:modesEnabled><s:setGradW> 7 </s:setGradW><s:setMaxW><s:multiplier>0</s:multiplier><s:value>5</s:value></s:setMaxW><s:updatedTime><![CDATA[1]]></s:updatedTime></s:DERSettings>`,
  `<Notification xmlns="${namespace2018}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><subscribedResource>/edev</subscribedResource><Resource xsi:type="DERControlList" all="1" results="0"/><status>0</status><subscriptionURI>/sub/1</subscriptionURI></Notification>`,
];

const pieces = [
  '<',
  '>',
  '</',
  '/>',
  '="',
  '"',
  "'",
  '&',
  ';',
  '&#',
  '&#x41;',
  '&amp;',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '<?',
  '?>',
  '<!DOCTYPE a>',
  'xmlns=""',
  'xmlns:a="b"',
  ' xsi:type="Time"',
  '<a>',
  '</a>',
  '<a/>',
  ' ',
  '\n',
  '\0',
  '\ufffe',
  '漢',
  '99999999999999999999',
  '-',
  '0',
  'FF',
  '😀',
];

function mutate(source: Buffer, choose: Choose): Buffer {
  const at = choose(source.length + 1);
  const before = source.subarray(0, at);
  switch (choose(7)) {
    case 0:
      return Buffer.concat([before, Buffer.from(pieces[choose(pieces.length)] ?? ''), source.subarray(at)]);
    case 1:
      return Buffer.concat([before, source.subarray(at + 1 + choose(20))]);
    case 2: {
      const copy = Buffer.from(source);
      if (copy.length > 0) copy[choose(copy.length)] = choose(256);
      return copy;
    }
    case 3: {
      const from = choose(source.length);
      return Buffer.concat([before, source.subarray(from, from + choose(200)), source.subarray(at)]);
    }
    case 4:
      return before;
    case 5: {
      const times = 1 + choose(300);
      const piece = Buffer.from((pieces[choose(pieces.length)] ?? '').repeat(times));
      return Buffer.concat([before, piece, source.subarray(at)]);
    }
    default:
      return Buffer.concat([
        before,
        Buffer.from(Array.from({ length: choose(16) }, () => choose(256))),
        source.subarray(at),
      ]);
  }
}

/** Generous for one document in every mode: milliseconds of this thread's own time, which nobody else's work makes longer. */
const slowMs = 1000;

/** Reads one input in every mode; fails on anything thrown but a GridError with a code of the codec. */
export function survives(source: Uint8Array | string, what: string): 'read' | 'refused' {
  const modes: readonly ParseOptions[] = [{}, { strict: true }, { order: 'any' }];
  let verdict: 'read' | 'refused' = 'refused';
  const before = process.threadCpuUsage();
  for (const options of modes) {
    try {
      parseDocument(source, options);
      verdict = 'read';
    } catch (error) {
      assert.ok(error instanceof GridError && /^GTX-XML-0[0-2]\d$/.test(error.code), `${what}: ${String(error)}`);
    }
  }
  const { user, system } = process.threadCpuUsage(before);
  const usedMs = (user + system) / 1000;
  assert.ok(usedMs < slowMs, `${what}: ${usedMs.toFixed(0)} ms for ${source.length} bytes`);
  return verdict;
}

export interface FuzzTally {
  read: number;
  refused: number;
}

/** So many documents from a seed, each some mutations away from one that clients send, or nothing but random bytes. */
export function fuzz(seed: number, documents: number): FuzzTally {
  const choose = choicesOf(seed);
  const tally: FuzzTally = { read: 0, refused: 0 };
  for (let i = 0; i < documents; i++) {
    let source: Buffer = Buffer.from(seeds[choose(seeds.length)] ?? '');
    if (choose(20) === 0) source = Buffer.from(Array.from({ length: choose(300) }, () => choose(256)));
    for (let count = choose(6); count > 0; count--) source = mutate(source, choose);
    tally[survives(source, `seed ${seed}, document ${i}: ${source.toString().slice(0, 2000)}`)]++;
  }
  return tally;
}

/** Documents of one seed, when there are many seeds: a failure names the seed of its round, and is replayed by that. */
const roundDocuments = 5_000;

/** Rounds with `seed`, `seed + 1`, … until `seconds` of wall time are over; `progress` hears how far it has come. */
export function fuzzFor(seed: number, seconds: number, progress: (line: string) => void): FuzzTally {
  const started = monotonicMs();
  const elapsed = (): number => (monotonicMs() - started) / 1000;
  const total: FuzzTally = { read: 0, refused: 0 };
  const tell = (round: number): void =>
    progress(`${elapsed().toFixed(0)} s: seeds ${seed}–${round}, ${total.read} read, ${total.refused} refused`);
  let told = 0;
  for (let round = seed; elapsed() < seconds; round++) {
    const { read, refused } = fuzz(round, roundDocuments);
    total.read += read;
    total.refused += refused;
    if (elapsed() - told < seconds / 6) continue;
    told = elapsed();
    tell(round);
  }
  return total;
}
