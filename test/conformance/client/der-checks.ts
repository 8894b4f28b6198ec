import type { Parameter } from '../procedure.ts';
import type { Given } from './given.ts';
import { sfdiOf } from './identifiers.ts';
import type { UtilityDevice } from './utility/state.ts';
import type { XmlElement } from '../xml.ts';

/** A power factor of DERCapability or DERSettings, or a value with its multiplier, or a plain number. */
export function derNumber(node: XmlElement, name: string): number | undefined {
  const child = node.at(name);
  if (child === undefined) return undefined;
  if (child.children.length === 0) return Number(child.text);
  const value = child.number('value') ?? child.number('displacement');
  return value === undefined ? undefined : value * 10 ** (child.number('multiplier') ?? 0);
}

const text = (value: Parameter | undefined): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null);

const bitmap = /^(.*)_(set|unset)$/;

/** Of DERCapability and DERSettings: a name is there or not, a bitmap has bits or not, a number is as given. */
export function derContentFaults(node: XmlElement | undefined, given: Given, what: string): string[] {
  if (node === undefined) return [`no ${what} was PUT`];
  return given.names.flatMap((name) => {
    const value = given.get(name);
    const [, mask, way] = bitmap.exec(name) ?? [];
    if (mask !== undefined) {
      const bits = node.bits(mask) ?? 0;
      const wanted = Number.parseInt(text(value), 16);
      const has = way === 'set' ? (bits & wanted) === wanted : (bits & wanted) === 0;
      return has ? [] : [`${what}.${mask} is ${bits.toString(16)}: ${name} ${text(value)} does not hold`];
    }
    const found = node.at(name);
    if (typeof value === 'boolean') {
      // False is either a name that must not be there, or an expression that does not hold.
      const holds = value ? found !== undefined : found === undefined;
      return holds ? [] : [`${what}.${name} is ${found === undefined ? 'missing' : derNumber(node, name)}`];
    }
    return derNumber(node, name) === value
      ? []
      : [`${what}.${name} is ${derNumber(node, name)}, ${text(value)} is asked for`];
  });
}

export function statusFaults(node: XmlElement | undefined, given: Given): string[] {
  if (node === undefined) return ['no DERStatus was PUT'];
  const connect = node.bits('genConnectStatus', 'value');
  return given.names.flatMap((name) => {
    const wanted = given.get(name);
    const [, bit] = /^genConnectStatus_bit(\d)$/.exec(name) ?? [];
    if (bit !== undefined) {
      const has = connect === undefined ? undefined : ((connect >> Number(bit)) & 1) === 1;
      return has === wanted ? [] : [`genConnectStatus is ${connect}: bit ${bit} should be ${text(wanted)}`];
    }
    const found =
      name === 'alarmStatus' || name === 'genConnectStatus'
        ? node.bits(...(name === 'alarmStatus' ? [name] : [name, 'value']))
        : node.number(name, 'value');
    return found === wanted ? [] : [`DERStatus.${name} is ${found}, ${text(wanted)} is asked for`];
  });
}

export function endDeviceFaults(device: UtilityDevice | undefined, given: Given): string[] {
  if (device === undefined) return ['no EndDevice is registered'];
  const faults: string[] = [];
  if (given.flag('has_connection_point_id') === true) {
    const id = device.put.get('cp')?.node.value('connectionPointId');
    if (id === undefined || id === '') faults.push('no ConnectionPoint with its id was PUT');
  }
  const categories = Number.parseInt(given.text('deviceCategory_anyset') ?? '0', 16);
  if (categories !== 0 && (Number.parseInt(device.deviceCategory ?? '0', 16) & categories) === 0) {
    faults.push(`deviceCategory is ${device.deviceCategory}: none of ${categories.toString(16)}`);
  }
  if (given.flag('check_lfdi') === true) {
    const posted = device.put.get('edev')?.node;
    const lfdi = posted?.value('lFDI') ?? device.lfdi;
    const sfdi = posted?.value('sFDI') ?? device.sfdi;
    if (!/^[0-9A-F]{40}$/.test(lfdi)) faults.push(`the LFDI ${lfdi} is not 40 upper-case hexadecimal digits`);
    else if (sfdi !== sfdiOf(lfdi)) faults.push(`the SFDI of ${lfdi} is ${sfdiOf(lfdi)}, not ${sfdi}`);
  }
  return faults;
}
