import { Type } from '#hal/schema.ts';
import { driver } from '../driver.ts';
import type { Site } from '../site/site.ts';
import { Ade7953, nominalGain } from './ade7953.ts';
import { type Ade7953ClampFitting, Ade7953Twin } from './ade7953-twin.ts';
import { Atm90e32 } from './atm90e32.ts';
import { Atm90e32Twin, type TwinClamp, type TwinFitting } from './atm90e32-twin.ts';
import { clampSettings } from './clamp-calibration.ts';
import { SpiMeter } from './spi-meter.ts';

const closed = { additionalProperties: false } as const;
const word = (description: string) => Type.Integer({ minimum: 0, maximum: 0xffff, description });
const gain = (description: string) =>
  Type.Optional(
    Type.Integer({
      minimum: nominalGain / 2,
      maximum: nominalGain * 1.5,
      description: `${description}; ${nominalGain} (×1) unless told`,
    }),
  );
const scale = (description: string) => Type.Number({ exclusiveMinimum: 0, maximum: 1000, description });

const atmClamp = Type.Object(
  {
    voltageInput: Type.Enum([1, 2, 3], { description: 'Voltage input of the phase that the clamp is on' }),
    voltageGain: word('Register UgainA, B or C as calibrated'),
    currentGain: word('Register IgainA, B or C as calibrated'),
    powerOffset: Type.Optional(
      Type.Integer({ minimum: -0x8000, maximum: 0x7fff, description: 'Register PoffsetA, …' }),
    ),
    ...clampSettings.properties,
  },
  closed,
);

const adeClamp = Type.Object(
  {
    wattsPerCount: scale('W of one count of AWATT or BWATT with the board around the chip'),
    wattHoursPerCount: scale('Wh of one count of AENERGYA or AENERGYB'),
    currentGain: gain('Register AIGAIN or BIGAIN'),
    powerGain: gain('Register AWGAIN or BWGAIN'),
    ...clampSettings.properties,
  },
  closed,
);

const channelFault = (
  inputs: number,
  { gridChannel, loadChannel = 1 }: { readonly gridChannel: number; readonly loadChannel?: number },
): { readonly key: string; readonly text: string } | undefined => {
  const text = `expected a clamp input of the chip, 1 to ${inputs}`;
  if (gridChannel > inputs) return { key: 'gridChannel', text };
  return loadChannel > inputs ? { key: 'loadChannel', text } : undefined;
};

/** What each clamp input of a building's front-end sees in this second. */
function flowsOf(
  inputs: number,
  site: Site,
  now: number,
  { gridChannel, loadChannel }: { readonly gridChannel: number; readonly loadChannel?: number | undefined },
): TwinClamp[] {
  const volts = site.voltsRms(now);
  return Array.from({ length: inputs }, (_, i) => {
    const powerW = i + 1 === gridChannel ? site.state.gridW : i + 1 === loadChannel ? site.state.loadW : 0;
    return { volts, powerW };
  });
}

export const atm90e32Driver = driver({
  name: 'atm90e32',
  role: 'clamps',
  wire: 'spi',
  summary: 'Microchip ATM90E32AS, three clamps and three voltages',
  settings: {
    lineHz: Type.Enum([50, 60], { description: 'Frequency of the grid' }),
    pgaGain: Type.Optional(word('Register MMode1: amplification of the current inputs; 0 (×1) unless told')),
    clamps: Type.Tuple([atmClamp, atmClamp, atmClamp], { title: 'three clamps, of the current inputs 1 to 3' }),
  },
  check: (settings) => channelFault(3, settings),
  make: ({ lineHz, pgaGain = 0, clamps }, device, { clock, memory }) =>
    new SpiMeter(new Atm90e32(device, { lineHz, pgaGain, clamps }), memory, clock),
  twin: ({ clamps: [a, b, c], ...settings }, { site }) => {
    const fitted = ({ voltageGain, currentGain, ...rest }: typeof a): TwinFitting => ({
      ...rest,
      trueVoltageGain: voltageGain,
      trueCurrentGain: currentGain,
    });
    const twin = new Atm90e32Twin([fitted(a), fitted(b), fitted(c)]);
    return {
      wire: twin,
      afterSecond: (now) => {
        const [one, two, three] = flowsOf(3, site, now, settings);
        twin.advance(1, [one!, two!, three!]);
      },
    };
  },
});

export const ade7953Driver = driver({
  name: 'ade7953',
  role: 'clamps',
  wire: 'spi',
  summary: 'Analog Devices ADE7953, two clamps and one voltage',
  settings: {
    voltsPerCount: scale('V of one count of VRMS with the board around the chip'),
    voltageGain: gain('Register AVGAIN'),
    clamps: Type.Tuple([adeClamp, adeClamp], { title: 'two clamps, of the current channels A and B' }),
  },
  check: (settings) => channelFault(2, settings),
  make: ({ voltsPerCount, voltageGain = nominalGain, clamps }, device, { clock, memory }) =>
    new SpiMeter(new Ade7953(device, { voltsPerCount, voltageGain, clamps }), memory, clock),
  twin: ({ voltsPerCount, voltageGain = nominalGain, clamps: [a, b], ...settings }, { site }) => {
    const fitted = ({
      currentGain = nominalGain,
      powerGain = nominalGain,
      ...rest
    }: typeof a): Ade7953ClampFitting => ({
      ...rest,
      trueCurrentGain: currentGain / nominalGain,
      truePowerGain: powerGain / nominalGain,
    });
    const twin = new Ade7953Twin({
      voltsPerCount,
      trueVoltageGain: voltageGain / nominalGain,
      clamps: [fitted(a), fitted(b)],
    });
    return {
      wire: twin,
      afterSecond: (now) => {
        const [one, two] = flowsOf(2, site, now, settings);
        twin.advance(1, [one!, two!]);
      },
    };
  },
});
