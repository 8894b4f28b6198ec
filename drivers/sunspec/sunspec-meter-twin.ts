import type { MeterSource } from '../meter/meter-twin.ts';
import { DeviceImage, exponentFor } from './device-image.ts';

const phases = ['A', 'B', 'C'] as const;
/** Counters of 32 bits go round. */
const counterEnd = 0x100000000;

/** A three-phase meter on the wire from 40000: SunSpec models 1 and 203. All phases carry alike. */
export class SunSpecMeterTwin {
  readonly bank: DeviceImage;
  readonly #source: MeterSource;

  constructor(source: MeterSource, serial: string) {
    this.#source = source;
    this.bank = new DeviceImage([{ id: 1 }, { id: 203 }], {
      beforeRead: () => this.#show(),
      accepts: () => false,
      afterWrite: () => undefined,
    });
    const image = this.bank;
    image.setText(1, 'Mn', 'GridTokenX');
    image.setText(1, 'Md', 'Meter twin');
    image.setText(1, 'SN', serial);
    image.set(203, { A_SF: -1, V_SF: -1, Hz_SF: -2, TotWh_SF: 0, Evt: 0 });
  }

  #show(): void {
    const image = this.bank;
    const source = this.#source;
    const volts = source.voltsRms();
    const powerW = source.powerW();
    const apparentVA = Math.hypot(powerW, source.reactiveVar());
    const amperes = volts === 0 ? 0 : apparentVA / volts;
    // As fine as the power of now allows, as many meters do it.
    const exponent = exponentFor(apparentVA, 0x7fff);
    image.set(203, { W_SF: exponent, VA_SF: exponent, VAR_SF: exponent });
    image.setValues(203, { W: powerW, VA: apparentVA, VAR: source.reactiveVar(), Hz: source.frequencyHz() });
    image.setValues(203, { A: amperes, PhV: volts });
    for (const phase of phases) {
      image.setValues(203, { [`Wph${phase}`]: powerW / 3, [`Aph${phase}`]: amperes / 3, [`PhVph${phase}`]: volts });
    }
    image.set(203, { TotWhImp: source.importWh() % counterEnd, TotWhExp: source.exportWh() % counterEnd });
  }
}
