import { Type } from '#hal/schema.ts';
import { TcpPort } from '#hal/linux/tcp.ts';
import { W, Wh } from '#hal/units.ts';
import { driver } from '../driver.ts';
import { EmonMeter } from './emon-meter.ts';
import { clampSettings } from './clamp-calibration.ts';
import { okLayoutNames } from './emon-ok-frame.ts';
import { EmonTwin } from './emon-twin.ts';

/** Inputs of an emonTx. */
const inputs = 6;
const closed = { additionalProperties: false } as const;

export const emonTx = driver({
  name: 'emontx',
  role: 'clamps',
  wire: 'bytes',
  summary: 'emonTx4, emonTx5 or emonPi2 on a serial line of 115,200 baud',
  settings: {
    okFrames: Type.Optional(
      Type.Object(
        {
          layout: Type.Enum([...okLayoutNames], { description: 'The firmware that sends them' }),
          node: Type.Optional(Type.Integer({ minimum: 1, maximum: 31, description: 'Where it is not the usual one' })),
        },
        { ...closed, description: 'The front end sends "OK 5 …" frames in place of lines of text or JSON' },
      ),
    ),
    json: Type.Optional(
      Type.Boolean({ description: 'The front end sends JSON: the driver sees that by itself, a twin has to be told' }),
    ),
    clamps: Type.Optional(
      Type.Array(clampSettings, {
        maxItems: inputs,
        description: 'What is to be put right, by input, the first first',
      }),
    ),
  },
  check: ({ gridChannel, loadChannel = 1 }) => {
    if (gridChannel > inputs) return { key: 'gridChannel', text: `expected an input of the emonTx, 1 to ${inputs}` };
    return loadChannel > inputs
      ? { key: 'loadChannel', text: `expected an input of the emonTx, 1 to ${inputs}` }
      : undefined;
  },
  make: ({ okFrames, clamps }, port, { clock }) =>
    new EmonMeter(port, clock, {
      isUnchecked: port.isChecked !== true,
      ...(okFrames && { okFrames }),
      ...(clamps && { clamps }),
    }),
  twin: ({ gridChannel, loadChannel, okFrames, json }, { clock, site }) => {
    const twin = new EmonTwin(clock, okFrames?.layout ?? (json === true ? 'json' : 'text'));
    return {
      // The port is known once the twin listens.
      wire: { name: 'emontx twin', isChecked: true, open: () => new TcpPort('127.0.0.1', twin.port).open() },
      start: () => twin.start(),
      afterSecond: (now) => {
        const channels = Array.from({ length: inputs }, () => ({ powerW: W(0), energyWh: Wh(0) }));
        if (loadChannel !== undefined)
          channels[loadChannel - 1] = { powerW: W(site.state.loadW), energyWh: site.consumptionWh };
        channels[gridChannel - 1] = { powerW: W(site.state.gridW), energyWh: site.netGridWh };
        twin.emit({ voltsRms: site.voltsRms(now), channels });
      },
      [Symbol.asyncDispose]: () => twin[Symbol.asyncDispose](),
    };
  },
});
