import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { bitmap } from './bitmap.ts';
import { DERControlMode, DERCurveType, DERType, DeviceCategory } from './enumerations-der.ts';
import { namespace2013 } from './namespaces.ts';
import { parseAs, parseDocument } from './parse.ts';
import type { DERCapability, DERControlBase, DERCurve, EndDevice } from './types.generated.ts';
import { writeDocument } from './write.ts';

const ns = `xmlns="${namespace2013}"`;
const power = (name: string, value = 5000): string =>
  `<${name}><multiplier>0</multiplier><value>${value}</value></${name}>`;
const factor = (name: string, displacement: number): string =>
  `<${name}><displacement>${displacement}</displacement><multiplier>-3</multiplier></${name}>`;
const namespace = '2013';

/** As EPRI's client of 2013 posts it. */
const capability2013 = `<DERCapability ${ns}><modesSupported>0000A000</modesSupported>${power('rtgA')}${factor('rtgMinPF', 850)}${factor('rtgMinPFNeg', -900)}${power('rtgVA')}${power('rtgVar')}${power('rtgW')}<type>82</type></DERCapability>`;
const capability: DERCapability = {
  modesSupported: bitmap(4, [DERControlMode.opModMaxLimW, DERControlMode.opModFixedPFInjectW]),
  rtgMaxA: { multiplier: 0, value: 5000 },
  rtgMinPFOverExcited: { displacement: 850, multiplier: -3 },
  rtgMinPFUnderExcited: { displacement: 900, multiplier: -3 },
  rtgMaxVA: { multiplier: 0, value: 5000 },
  rtgMaxVar: { multiplier: 0, value: 5000 },
  rtgMaxW: { multiplier: 0, value: 5000 },
  type: DERType.combinedPVAndStorage,
};

test('a DERCapability of 2013 is read with the names, bits and codes of 2018, and written back as it was', () => {
  const document = parseDocument(capability2013, { strict: true });
  assert.equal(document.namespace, namespace);
  assert.deepEqual(document.value, capability);
  assert.deepEqual(parseAs('DERCapability', capability2013), capability);
  assert.equal(
    writeDocument('DERCapability', capability, { namespace }),
    `<?xml version="1.0" encoding="UTF-8"?>${capability2013}`,
  );
});

test('elements of 2018 in the namespace of 2013 are read as what they are, with the codes of 2018', () => {
  const text = `<DERCapability ${ns}><modesSupported>00100020</modesSupported>${power('rtgMaxA')}${power('rtgMaxW')}<type>83</type></DERCapability>`;
  assert.deepEqual(parseAs('DERCapability', text), {
    modesSupported: bitmap(4, [DERControlMode.opModMaxLimW, DERControlMode.opModFixedPFInjectW]),
    rtgMaxA: { multiplier: 0, value: 5000 },
    rtgMaxW: { multiplier: 0, value: 5000 },
    type: DERType.combinedPVAndStorage,
  });
  assert.throws(() => parseDocument(text, { strict: true }), { code: 'GTX-XML-012' });
});

test('a rating that 2018 requires must be there under one of its names', () => {
  const without = capability2013.replace(power('rtgW'), '');
  assert.throws(() => parseDocument(without), { code: 'GTX-XML-014' });
  assert.throws(() => parseDocument(without, { strict: true }), { code: 'GTX-XML-014' });
});

test('a signed power factor becomes one with excitation: negative is under-excited', () => {
  const text = `<DERControlBase ${ns}><opModConnect>true</opModConnect>${factor('opModFixedPF', -950)}</DERControlBase>`;
  const base: DERControlBase = {
    opModConnect: true,
    opModFixedPFInjectW: { displacement: 950, excitation: true, multiplier: -3 },
  };
  assert.deepEqual(parseAs('DERControlBase', text), base);
  const absorbing = { displacement: 900, excitation: false, multiplier: -3 };
  const written = writeDocument('DERControlBase', { ...base, opModFixedPFAbsorbW: absorbing }, { namespace });
  assert.ok(written.endsWith(text), 'and what 2013 cannot say is left out');
});

test('curve types are numbered anew, and the points of a Watt-PF curve lose their sign', () => {
  const text = `<DERCurve ${ns}><mRID>01</mRID><creationTime>0</creationTime><CurveData><xvalue>1</xvalue><yvalue>-95</yvalue></CurveData><curveType>2</curveType><xMultiplier>0</xMultiplier><yMultiplier>-2</yMultiplier><yRefType>0</yRefType></DERCurve>`;
  const curve = parseAs('DERCurve', text);
  assert.equal(curve.curveType, DERCurveType.opModWattPF);
  assert.deepEqual(curve.CurveData, [{ excitation: true, xvalue: 1, yvalue: 95 }]);
  assert.ok(writeDocument('DERCurve', curve, { namespace }).endsWith(text));
  const mayTrip: DERCurve = { ...curve, curveType: DERCurveType.opModHVRTMayTrip };
  assert.match(writeDocument('DERCurve', mayTrip, { namespace }), /<curveType>255</);
});

test('device categories keep their meaning, and an EndDevice its place for them', () => {
  const device: EndDevice = {
    deviceCategory: bitmap(4, [DeviceCategory.combinedPVAndStorage, DeviceCategory.waterHeater]),
    sFDI: 167_261_211_391,
    changedTime: 0n,
    postRate: 900,
  };
  const written = writeDocument('EndDevice', device, { namespace });
  assert.match(written, /<loadShedDeviceCategory>00044008<\/loadShedDeviceCategory><sFDI>/);
  assert.ok(!written.includes('postRate'));
  assert.deepEqual(
    parseAs('EndDevice', written).deviceCategory,
    bitmap(4, [DeviceCategory.otherGeneration, DeviceCategory.otherStorage, DeviceCategory.waterHeater]),
  );
});

test('a list of 2013 counts to 65,535, and carries at most 255 items', () => {
  const list = { all: 70_000, results: 0 };
  assert.match(writeDocument('EndDeviceList', list, { namespace }), / all="65535" results="0"/);
  assert.throws(
    () => writeDocument('EndDeviceList', { all: 256, results: 256 }, { namespace }),
    (error) => error instanceof GridError && error.code === 'GTX-XML-032',
  );
});

test('elements of CSIP-AUS stand in documents of 2013 as in those of 2018', () => {
  const base: DERControlBase = { opModExpLimW: { multiplier: 0, value: 1500 } };
  const written = writeDocument('DERControlBase', base, { namespace });
  assert.deepEqual(parseAs('DERControlBase', written, { strict: true }), base);
});
