import type { RegisterBank } from '#drivers/modbus/server.ts';
import type { FaultySite } from './faulty-site.ts';

export interface MeterFault {
  readonly begin: () => void | Promise<void>;
  readonly end: () => void | Promise<void>;
}

/** Rewrites each line of a front-end; `first` is the first that was rewritten. */
export const lineFault =
  (rewrite: (line: string, first: string) => string) =>
  (site: FaultySite): MeterFault => {
    const cable = site.field.cables.clamps!;
    let first: string | undefined;
    return {
      begin: () => {
        cable.tamper = (chunk) => {
          const lines = chunk.toString('latin1').split('\r\n').slice(0, -1);
          const rewritten = lines.map((line) => {
            first ??= line;
            return `${rewrite(line, first)}\r\n`;
          });
          return Buffer.from(rewritten.join(''), 'latin1');
        };
      },
      end: () => {
        cable.tamper = (chunk) => chunk;
      },
    };
  };

/** A Modbus meter that is another one while the fault lasts. */
const replaced = (site: FaultySite, other: () => RegisterBank): MeterFault => {
  const twin = site.field.twins.clamps!;
  return {
    begin: () => {
      site.field.twins.clamps = { ...twin, bank: other() };
    },
    end: () => {
      site.field.twins.clamps = twin;
    },
  };
};

/** It shows a point at a value, whatever flows. */
export const held = (site: FaultySite, point: string, value: number): MeterFault =>
  replaced(site, () => {
    const other = site.field.another('clamps');
    other.hold(point, value);
    return other.bank;
  });

const changed =
  (change: (key: string, registers: Buffer) => Buffer) =>
  (site: FaultySite): MeterFault =>
    replaced(site, () => {
      const { bank } = site.field.another('clamps');
      const read = (address: number, count: number): ReturnType<RegisterBank['read']> => {
        const said = bank.readInput!(address, count);
        return typeof said === 'number' ? said : change(`${address} ${count}`, Buffer.from(said));
      };
      return { read, readInput: read };
    });

/** Whatever it is asked for, it says what it said when it was asked for that the first time. */
export const standsStill = (site: FaultySite): MeterFault => {
  const said = new Map<string, Buffer>();
  return changed((key, registers) => said.get(key) ?? (said.set(key, registers), registers))(site);
};

/** Every pair of registers is a float that is no number. */
export const noNumbers = changed(
  (_key, registers) => registers.map((_, i) => notANumber[i % notANumber.length]!) as Buffer,
);
const notANumber = [0x7f, 0xc0, 0, 0] as const;
