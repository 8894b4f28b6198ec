import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { toJson } from '#ieee2030_5/json.ts';
import { namespace2018 } from '#ieee2030_5/namespaces.ts';
import { parseAs } from '#ieee2030_5/parse.ts';
import type { MirrorMeterReading, Reading } from '#ieee2030_5/types.generated.ts';
import { writeDocument } from '#ieee2030_5/write.ts';
import type { Figure } from './figure.ts';
import { interleaved } from './interleaved.ts';

const xsdFile = fileURLToPath(new URL('../../../shared/ieee2030.5/ed2018/sep.xsd', import.meta.url));
const start = 1_790_000_000n;
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

const reading = (i: number): Reading => ({
  consumptionBlock: 0,
  qualityFlags: hex('0001'),
  timePeriod: { duration: 15, start: start + BigInt(15 * i) },
  touTier: 0,
  value: 123_456 + i,
  localID: hex(i.toString(16).padStart(4, '0')),
});

/** A posting of so many readings: 3 make 1.3 KB, 160 make 34 KB. */
const posting = (readings: number): MirrorMeterReading => ({
  mRID: hex('0B00006CC8000000000000000000A001'),
  description: 'import energy',
  version: 1,
  lastUpdateTime: start,
  MirrorReadingSet: [
    {
      mRID: hex('0B00006CC8000000000000000000A002'),
      timePeriod: { duration: 15 * readings, start },
      Reading: Array.from({ length: readings }, (_, i) => reading(i)),
    },
  ],
  Reading: { value: 42 },
  ReadingType: {
    accumulationBehaviour: 4,
    commodity: 1,
    dataQualifier: 0,
    flowDirection: 19,
    intervalLength: 15,
    kind: 12,
    phase: 0,
    powerOfTenMultiplier: 0,
    uom: 72,
  },
});

/** The value as a program would give it to a builder that knows no schema: numbers, and octets as digits. */
const plain = (value: MirrorMeterReading): object =>
  JSON.parse(JSON.stringify(toJson('MirrorMeterReading', value))) as object;

/** The codec beside its peers on the same document, in turns; a ratio is the peer's time over ours. */
function measure(size: string, readings: number, targets: Targets): Figure[] {
  const value = posting(readings);
  const text = writeDocument('MirrorMeterReading', value);
  const bytes = Buffer.from(text);
  const parser = new XMLParser({ ignoreAttributes: false });
  const builder = new XMLBuilder({ ignoreAttributes: false });
  const tree = { MirrorMeterReading: { '@_xmlns': namespace2018, ...plain(value) } };
  const tasks: Record<string, () => void> = {
    parse: () => void parseAs('MirrorMeterReading', bytes),
    write: () => void writeDocument('MirrorMeterReading', value),
    parser: () => {
      XMLValidator.validate(text);
      parser.parse(text);
    },
    builder: () => void builder.build(tree),
  };
  using stack = new DisposableStack();
  const judged = existsSync(xsdFile);
  if (judged) {
    using schema = XmlDocument.fromString(readFileSync(xsdFile, 'utf8'));
    const validator = stack.adopt(XsdValidator.fromDoc(schema), (item) => item.dispose());
    tasks['libxml2'] = () => {
      using document = XmlDocument.fromBuffer(bytes);
      validator.validate(document);
    };
  }
  const { us, ratio } = interleaved(tasks);
  const compared = (what: string, quick: string, slow: string, peer: string, least: number | undefined): Figure => ({
    name: `${size}: ${what}, times faster than ${peer} (${us[quick]?.toFixed(2)} against ${us[slow]?.toFixed(2)} µs)`,
    value: ratio(slow, quick),
    unit: '×',
    ...(least === undefined ? {} : { target: { atLeast: least } }),
  });
  return [
    ...(judged
      ? [compared('parse with validation', 'parse', 'libxml2', 'libxml2-wasm with the XSD', targets.libxml2)]
      : []),
    compared('parse with validation', 'parse', 'parser', 'fast-xml-parser with validation', targets.parser),
    compared('write', 'write', 'builder', "fast-xml-parser's builder", targets.builder),
    { name: `${size}: size of the document`, value: bytes.length, unit: 'bytes' },
  ];
}

interface Targets {
  readonly libxml2: number;
  readonly parser?: number;
  readonly builder?: number;
}

export function codec(): Promise<Figure[]> {
  return Promise.resolve([
    ...measure('1.3 KB', 3, { libxml2: 4, parser: 12, builder: 5 }),
    ...measure('34 KB', 160, { libxml2: 2.5 }),
  ]);
}
