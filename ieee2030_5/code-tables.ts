import * as der from './enumerations-der.ts';
import * as codes from './enumerations.ts';

/** Names of codes, or of bits where the value is a bit map. */
export interface CodeTable {
  readonly names: Readonly<Record<string, number>>;
  readonly bits: boolean;
}

const values = (names: CodeTable['names']): CodeTable => ({ names, bits: false });
const bits = (names: CodeTable['names']): CodeTable => ({ names, bits: true });

/** Where each table of codes belongs: a type, or `Type.element`, in which derived types have a share. */
export const codeTables: Readonly<Record<string, CodeTable>> = {
  UomType: values(codes.UomType),
  KindType: values(codes.KindType),
  CommodityType: values(codes.CommodityType),
  FlowDirectionType: values(codes.FlowDirectionType),
  AccumulationBehaviourType: values(codes.AccumulationBehaviourType),
  DataQualifierType: values(codes.DataQualifierType),
  PhaseCode: values(codes.PhaseCode),
  ServiceKind: values(codes.ServiceKind),
  'UsagePointBase.status': values(codes.UsagePointStatus),
  RoleFlagsType: bits(codes.RoleFlags),
  'ReadingBase.qualityFlags': bits(codes.QualityFlags),
  'EventStatus.currentStatus': values(codes.EventCurrentStatus),
  PrimacyType: values(codes.PrimacyType),
  'RespondableResource.responseRequired': bits(codes.ResponseRequired),
  'Response.status': values(codes.ResponseStatus2018),
  'RequestStatus.requestStatus': values(codes.RequestStatusCode),
  'Error.reasonCode': values(codes.ReasonCode),
  SubscribableType: values(codes.SubscribableType),
  'Subscription.encoding': values(codes.SubscriptionEncoding),
  'Notification.status': values(codes.NotificationStatus),
  'Time.quality': values(codes.TimeQuality),
  CurrencyCode: values(codes.CurrencyCode),
  DERType: values(der.DERType),
  DERControlType: bits(der.DERControlMode),
  DERCurveType: values(der.DERCurveType),
  DERUnitRefType: values(der.DERUnitRefType),
  'ConnectStatusType.value': bits(der.ConnectStatus),
  'InverterStatusType.value': values(der.InverterStatus),
  'LocalControlModeStatusType.value': values(der.LocalControlModeStatus),
  'OperationalModeStatusType.value': values(der.OperationalModeStatus),
  'StorageModeStatusType.value': values(der.StorageModeStatus),
  'DERStatus.alarmStatus': bits(der.AlarmStatus),
  DeviceCategoryType: bits(der.DeviceCategory),
  DOEControlType: bits(der.DOEControlMode),
  VPPControlType: bits(der.VPPControlMode),
};
