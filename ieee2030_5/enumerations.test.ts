import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { XMLParser } from 'fast-xml-parser';
import * as der from './enumerations-der.ts';
import * as codes from './enumerations.ts';
import { schemaFolder } from './generate.ts';
import { withoutSchemas } from './judge/libxml.ts';

type Table = Readonly<Record<string, number>>;

/** Where the annotation of each table stands: a type, or an element of a type. */
const sources: readonly (readonly [table: Table, place: string])[] = [
  [codes.UomType, 'UomType'],
  [codes.KindType, 'KindType'],
  [codes.CommodityType, 'CommodityType'],
  [codes.FlowDirectionType, 'FlowDirectionType'],
  [codes.AccumulationBehaviourType, 'AccumulationBehaviourType'],
  [codes.DataQualifierType, 'DataQualifierType'],
  [codes.PhaseCode, 'PhaseCode'],
  [codes.ServiceKind, 'ServiceKind'],
  [codes.UsagePointStatus, 'UsagePointBase.status'],
  [codes.RoleFlags, 'RoleFlagsType'],
  [codes.QualityFlags, 'ReadingBase.qualityFlags'],
  [codes.EventCurrentStatus, 'EventStatus.currentStatus'],
  [codes.PrimacyType, 'PrimacyType'],
  [codes.ResponseRequired, 'RespondableResource.responseRequired'],
  [codes.RequestStatusCode, 'RequestStatus.requestStatus'],
  [codes.ReasonCode, 'Error.reasonCode'],
  [codes.SubscribableType, 'SubscribableType'],
  [codes.SubscriptionEncoding, 'Subscription.encoding'],
  [codes.NotificationStatus, 'Notification.status'],
  [codes.TimeQuality, 'Time.quality'],
  [codes.CurrencyCode, 'CurrencyCode'],
  [der.DERType, 'DERType'],
  [der.DERControlMode, 'DERControlType'],
  [der.DERCurveType, 'DERCurveType'],
  [der.DERUnitRefType, 'DERUnitRefType'],
  [der.ConnectStatus, 'ConnectStatusType'],
  [der.InverterStatus, 'InverterStatusType'],
  [der.LocalControlModeStatus, 'LocalControlModeStatusType'],
  [der.OperationalModeStatus, 'OperationalModeStatusType'],
  [der.StorageModeStatus, 'StorageModeStatusType'],
  [der.AlarmStatus, 'DERStatus.alarmStatus'],
  [der.DeviceCategory, 'DeviceCategoryType'],
];

type Node = Readonly<Record<string, unknown>>;
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

/** All annotations of a schema: `Type` and `Type.element` → text. */
function annotations(source: string): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (value: unknown, type: string): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, type);
    if (!isNode(value) || Array.isArray(value)) return;
    const name = value['@name'];
    const here = typeof name !== 'string' ? type : type === '' ? name : `${type}.${name}`;
    const annotation = value['xs:annotation'];
    if (isNode(annotation)) found.set(here, String(annotation['xs:documentation']));
    for (const [key, child] of Object.entries(value)) if (key.startsWith('xs:')) visit(child, here);
  };
  const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '@', htmlEntities: true });
  visit(Object.values((parser.parse(source) as Node)['xs:schema'] as Node), '');
  return found;
}

/** The values that an annotation lists, without its ranges and reserved ones. */
const listed = (text: string): number[] =>
  [...text.matchAll(/^\s*(?:Bit )?(\d+)\s*(?:-|=|–|:)\s*(.*)$/gm)]
    .filter(([, , rest = '']) => !/^\d|reserved|^[^:]*\d+:/i.test(rest))
    .map(([, value]) => Number(value));

test('the enumerations have exactly the values that the annotations of the XSD list', { skip: withoutSchemas }, () => {
  const texts = annotations(readFileSync(new URL('ed2018/sep.xsd', schemaFolder), 'utf8'));
  for (const [table, place] of sources) {
    const text = texts.get(place);
    assert.ok(text !== undefined, `no annotation of ${place}`);
    assert.deepEqual(
      Object.values(table).toSorted((a, b) => a - b),
      listed(text),
      `${place}: ${text}`,
    );
  }
});

test('every enumeration but those of the standard’s text has its place in the XSD', () => {
  const elsewhere = ['ResponseStatus2018', 'DOEControlMode', 'VPPControlMode'];
  const tables: Readonly<Record<string, Table>> = { ...codes, ...der };
  const unplaced = Object.entries(tables).filter(([, table]) => !sources.some(([known]) => known === table));
  assert.deepEqual(unplaced.map(([name]) => name).toSorted(), elsewhere.toSorted());
});

test('no enumeration names one value twice', () => {
  for (const table of [...Object.values(codes), ...Object.values(der)]) {
    assert.equal(new Set(Object.values(table)).size, Object.keys(table).length);
  }
});

test('the response status of 2018 ends with the three rejections', () => {
  const { rejectedNotApplicable, rejectedInvalid, rejectedLate } = codes.ResponseStatus2018;
  assert.deepEqual([rejectedNotApplicable, rejectedInvalid, rejectedLate], [252, 253, 254]);
});
