import { Type } from '#hal/schema.ts';
import { EmulatedBroker } from '#hal/emulated/mqtt.ts';
import { clampSettings } from '../ct/clamp-calibration.ts';
import { driver } from '../driver.ts';
import { ShellyMeter } from './shelly-meter.ts';
import { formatShelly, shellyChannels, shellyForms } from './shelly-messages.ts';

export const shelly = driver({
  name: 'shelly',
  role: 'clamps',
  wire: 'mqtt',
  summary: 'Shelly EM, 3EM, Pro EM or Pro 3EM at an MQTT broker',
  settings: {
    form: Type.Enum([...shellyForms], {
      description: 'gen1: EM and 3EM; em1: Pro EM, EM Gen3 and Gen4; em: Pro 3EM, 3EM Gen3',
    }),
    prefix: Type.String({
      pattern: '^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,3}$',
      title: 'a topic prefix like shellies/shellyem3-C45BBE6AB0E3',
    }),
    clamps: Type.Optional(
      Type.Array(clampSettings, {
        maxItems: shellyChannels,
        description: 'What is to be put right, by clamp, the first first',
      }),
    ),
  },
  check: ({ gridChannel, loadChannel = 1 }) => {
    const text = `expected a clamp of the meter, 1 to ${shellyChannels}`;
    if (gridChannel > shellyChannels) return { key: 'gridChannel', text };
    return loadChannel > shellyChannels ? { key: 'loadChannel', text } : undefined;
  },
  make: ({ form, prefix, clamps, gridChannel, loadChannel = 1 }, link, { clock }) =>
    new ShellyMeter(link, clock, {
      form,
      prefix,
      channels: Math.max(gridChannel, loadChannel),
      ...(clamps && { clamps }),
    }),
  twin: ({ form, prefix, gridChannel, loadChannel = gridChannel }, { site }) => {
    const broker = new EmulatedBroker();
    return {
      wire: broker.link(prefix),
      afterSecond: (now) => {
        const { state } = site;
        const volts = site.voltsRms(now);
        const length = form === 'em' ? shellyChannels : Math.max(gridChannel, loadChannel);
        const channels = Array.from({ length }, (_, i) => {
          const isGrid = i + 1 === gridChannel;
          const isLoad = !isGrid && i + 1 === loadChannel;
          const powerW = isGrid ? state.gridW : isLoad ? state.loadW : 0;
          const importWh = isGrid ? site.importWh : isLoad ? site.consumptionWh : 0;
          return { volts, powerW, importWh, exportWh: isGrid ? site.exportWh : 0 };
        });
        for (const [topic, payload] of formatShelly(form, prefix, channels)) broker.publish(topic, payload);
      },
    };
  },
});
