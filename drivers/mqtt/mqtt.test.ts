import assert from 'node:assert/strict';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { Aedes } from 'aedes';
import fc from 'fast-check';
import { EmulatedBroker } from '#hal/emulated/mqtt.ts';
import { GridError } from '#hal/errors.ts';
import { MqttConnection } from '#hal/linux/mqtt.ts';
import { UnixSeconds } from '#hal/units.ts';
import { HomeAssistant, type HomeAssistantState } from './home-assistant.ts';
import { ShellyMeter, type ShellyOptions } from './shelly-meter.ts';
import { formatShelly, parseShelly, shellyForms } from './shelly-messages.ts';

const code = (expected: string) => (error: unknown) => {
  assert.ok(error instanceof GridError, String(error));
  assert.equal(error.code, expected, error.message);
  return true;
};

/** A real broker on a free port. */
async function brokerOf(t: TestContext): Promise<Broker> {
  const aedes = await Aedes.createBroker();
  const server = net.createServer((socket) => aedes.handle(socket));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as net.AddressInfo;
  t.after(async () => {
    await new Promise<void>((resolve) => {
      aedes.close(() => resolve());
    });
    server.close();
  });
  return {
    link: () => new MqttConnection({ mqtt: `127.0.0.1:${port}` }),
    publish: (topic, payload, retain = false) =>
      new Promise((resolve, reject) => {
        aedes.publish({ cmd: 'publish', topic, payload, qos: 1, retain, dup: false }, (error) =>
          error ? reject(error) : resolve(),
        );
      }),
  };
}

interface Broker {
  link(): MqttConnection;
  publish(topic: string, payload: string, retain?: boolean): Promise<void>;
}

const clockAt = (time: number) => {
  const clock = { time, now: () => UnixSeconds(clock.time) };
  return clock;
};

async function meterOn(broker: Broker, options: ShellyOptions) {
  const clock = clockAt(1000);
  const meter = new ShellyMeter(broker.link(), clock, options);
  await meter.start();
  return { clock, meter };
}

const gen1 = 'shellies/shellyem3-C45BBE6AB0E3';

test('the three forms of a status are read as their documents have them', () => {
  const values = (form: 'gen1' | 'em1' | 'em', prefix: string, topic: string, payload: string) =>
    parseShelly(form, prefix, `${prefix}/${topic}`, Buffer.from(payload));
  assert.deepEqual(values('gen1', gen1, 'emeter/1/power', '-8.40'), [{ channel: 1, quantity: 'power', value: -8.4 }]);
  assert.deepEqual(values('gen1', gen1, 'emeter/0/total', '7915525.36'), [
    { channel: 0, quantity: 'import', value: 7_915_525.36 },
  ]);
  // As a Pro EM 50 answered Shelly.GetStatus (evcc discussion 12385).
  const em1 = `{"id":1,"current":22.780,"voltage":224.6,"act_power":5080.3,"aprt_power":5142.4,"pf":0.99,"freq":50.0,"calibration":"factory"}`;
  assert.deepEqual(values('em1', 'shellyproem50', 'status/em1:1', em1), [
    { channel: 1, quantity: 'power', value: 5080.3 },
    { channel: 1, quantity: 'voltage', value: 224.6 },
  ]);
  const em1data = '{"id":1,"total_act_energy":6644.90,"total_act_ret_energy":2595.26}';
  assert.deepEqual(values('em1', 'shellyproem50', 'status/em1data:1', em1data), [
    { channel: 1, quantity: 'import', value: 6644.9 },
    { channel: 1, quantity: 'export', value: 2595.26 },
  ]);
  // A Pro 3EM, with the fields that its documents name.
  const em = `{"id":0,"a_current":4.029,"a_voltage":236.1,"a_act_power":951.2,"a_pf":1,"b_current":4.027,"b_voltage":236.201,
    "b_act_power":-951.1,"c_current":3.03,"c_voltage":236.402,"c_act_power":715.4,"n_current":11.029,"total_act_power":2484.782}`;
  assert.deepEqual(
    (values('em', 'shellypro3em', 'status/em:0', em) as unknown as { quantity: string; value: number }[])
      .filter(({ quantity }) => quantity === 'power')
      .map(({ value }) => value),
    [951.2, -951.1, 715.4],
  );
  assert.deepEqual(values('em', 'shellypro3em', 'status/wifi', '{"rssi":-60}'), []);
});

test('what makes no sense says why, and no part of it is believed', () => {
  for (const [form, topic, payload, expected] of [
    ['gen1', 'emeter/0/power', 'on', /power is not a number/],
    ['gen1', 'emeter/0/power', '1e5', /power is not a number/],
    ['gen1', 'emeter/0/total', '-5', /import of clamp 1 is out of range/],
    ['em1', 'status/em1:0', '{"act_power":null,"voltage":230}', /act_power is not a number/],
    ['em1', 'status/em1:0', '{"act_power":1,"voltage":230', /em1 is not a JSON object/],
    ['em1', 'status/em1:0', '{"act_power":2000000,"voltage":230}', /power of clamp 1 is out of range/],
    ['em', 'status/em:0', '{"a_act_power":1,"a_voltage":230}', /b_act_power is not a number/],
    ['em', 'status/em:0', '{"errors":["phase_sequence"]}', /tells errors: phase_sequence/],
    ['em', 'status/em:0', `"${'x'.repeat(5000)}"`, /too long/],
  ] as const) {
    const reason = parseShelly(form, 'p', `p/${topic}`, Buffer.from(payload));
    assert.ok(typeof reason === 'string' && expected.test(reason), `${payload} → ${JSON.stringify(reason)}`);
  }
});

test('what the twin publishes is read again, in every form', () => {
  const watts = fc.integer({ min: -50_000, max: 50_000 });
  const flow = fc.record({ powerW: watts, importWh: fc.nat(1e9), exportWh: fc.nat(1e9), volts: fc.nat(300) });
  fc.assert(
    fc.property(fc.constantFrom(...shellyForms), fc.array(flow, { minLength: 3, maxLength: 3 }), (form, flows) => {
      const seen = formatShelly(form, 'p', flows).flatMap(([topic, payload]) => {
        const values = parseShelly(form, 'p', topic, Buffer.from(payload));
        assert.ok(typeof values === 'object');
        return values;
      });
      for (const [channel, { powerW, importWh, exportWh, volts }] of flows.entries()) {
        const of = (quantity: string) => seen.find((v) => v.channel === channel && v.quantity === quantity)?.value;
        assert.deepEqual([of('power'), of('import'), of('export'), of('voltage')].map(Number), [
          powerW,
          importWh,
          exportWh,
          volts,
        ]);
      }
    }),
  );
});

test('any payload is values within their ranges, or a reason', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...shellyForms),
      fc.json(),
      fc.constantFrom('em:0', 'em1:0', 'em1data:2'),
      (form, payload, at) => {
        const values = parseShelly(form, 'p', `p/status/${at}`, Buffer.from(payload));
        if (typeof values === 'object') for (const { value } of values) assert.ok(Number.isFinite(value));
      },
    ),
  );
});

test('a meter at a broker gives a frame once every clamp has been heard; a reversed clamp is put right', async (t) => {
  const broker = await brokerOf(t);
  const { meter } = await meterOn(broker, {
    form: 'gen1',
    prefix: gen1,
    channels: 2,
    clamps: [{}, { isReversed: true }],
  });
  await using _ = meter;
  const frame = meter.frameAfter(UnixSeconds(0), 5000);
  for (const [topic, payload] of formatShelly('gen1', gen1, [
    { volts: 230.5, powerW: 1500.4, importWh: 10.9, exportWh: 3.2 },
    { volts: 230.5, powerW: -800, importWh: 0, exportWh: 70.5 },
  ])) {
    await broker.publish(topic, payload);
  }
  assert.deepEqual(await frame, {
    receivedAt: 1000,
    message: 1,
    voltsRms: 230.5,
    channels: [
      { powerW: 1500, energyWh: 7 },
      { powerW: 800, energyWh: 70 },
    ],
  });
});

test('a power that the broker had kept is not taken for fresh, and one that is old neither', async (t) => {
  const broker = await brokerOf(t);
  const flows = [{ volts: 230, powerW: 400, importWh: 5, exportWh: 0 }];
  for (const [topic, payload] of formatShelly('em1', 'shellyproem50', flows))
    await broker.publish(topic, payload, true);
  const { clock, meter } = await meterOn(broker, { form: 'em1', prefix: 'shellyproem50', channels: 1 });
  await using _ = meter;
  await assert.rejects(meter.frameAfter(UnixSeconds(0), 200), code('GTX-MQT-002'));
  const next = meter.frameAfter(UnixSeconds(0), 5000);
  await broker.publish('shellyproem50/status/em1:0', '{"act_power":401,"voltage":230}', true);
  assert.equal((await next).channels[0]?.powerW, 401, 'live, though the broker keeps it too');
  clock.time += 36;
  await assert.rejects(meter.frameAfter(UnixSeconds(1000), 100), code('GTX-MQT-002'));
});

test('a clamp that fell silent takes the frame with it', async (t) => {
  const broker = await brokerOf(t);
  const { clock, meter } = await meterOn(broker, { form: 'em1', prefix: 's', channels: 2 });
  await using _ = meter;
  const both = meter.frameAfter(UnixSeconds(0), 5000);
  const flow = { volts: 230, powerW: 400, importWh: 5, exportWh: 0 };
  for (const [topic, payload] of formatShelly('em1', 's', [flow, flow])) await broker.publish(topic, payload);
  await both;
  clock.time += 40;
  const next = meter.frameAfter(UnixSeconds(1000), 200);
  await broker.publish('s/status/em1:0', '{"act_power":1,"voltage":230}');
  await assert.rejects(next, code('GTX-MQT-002'));
});

test('an energy that is older than one that was heard is not counted, and a meter that was exchanged is', async () => {
  const broker = new EmulatedBroker();
  const clock = clockAt(1000);
  await using meter = new ShellyMeter(broker.link('test'), clock, { form: 'em1', prefix: 's', channels: 1 });
  await meter.start();
  const told = async (importWh: number, isKept = false): Promise<number | undefined> => {
    const flow = { volts: 230, powerW: 400, importWh, exportWh: 0 };
    const before = clock.now();
    clock.time += 60;
    for (const [topic, payload] of formatShelly('em1', 's', [flow])) broker.publish(topic, payload, isKept);
    return (await meter.frameAfter(before, 1000)).channels[0]?.energyWh;
  };
  assert.equal(await told(5_000, true), 5_000);
  assert.equal(await told(5_010), 5_010);
  broker.isUp = false;
  broker.isUp = true;
  assert.equal(await told(5_020), 5_020, 'what the broker had kept came again meanwhile');
  assert.equal(await told(5_010), 5_020, 'late');
  assert.equal(await told(5_030), 5_030);
  assert.equal(await told(900_000), 5_030, 'more than can have flowed');
  assert.equal(await told(5_040), 5_040);
  assert.deepEqual([await told(1), await told(8)], [5_040, 8], 'exchanged: believed when it is told again');
});

test('no broker, and a meter that is closed, say so', async () => {
  const meter = new ShellyMeter(new MqttConnection({ mqtt: '127.0.0.1:1' }), clockAt(1000), {
    form: 'em',
    prefix: 's',
    channels: 3,
  });
  await assert.rejects(meter.start(), code('GTX-MQT-001'));
  await meter[Symbol.asyncDispose]();
  await assert.rejects(meter.frameAfter(UnixSeconds(0), 10), code('GTX-MQT-003'));
});

interface Heard {
  readonly topic: string;
  readonly payload: string;
  readonly isRetained: boolean;
}

/** What another client of the broker hears, from its connection on. */
async function listen(t: TestContext, broker: Broker, filter: string): Promise<Heard[]> {
  const heard: Heard[] = [];
  const link = broker.link();
  t.after(() => link[Symbol.asyncDispose]());
  await link.start();
  await link.subscribe(
    filter,
    (topic, payload, isRetained) => void heard.push({ topic, payload: payload.toString(), isRetained }),
  );
  return heard;
}

const until = async (is: () => boolean): Promise<void> => {
  for (let turns = 0; !is(); turns++) {
    assert.ok(turns < 100_000, 'it never came');
    await new Promise(setImmediate);
  }
};

test('Home Assistant learns of each entity once, kept by the broker, and of the state unkept', async (t) => {
  const broker = await brokerOf(t);
  const live = await listen(t, broker, 'gridtokenx/#');
  const publisher = new HomeAssistant(broker.link(), { id: 'eng_001', name: 'Engineering', expireSeconds: 60 });
  await using _ = publisher;
  await publisher.start();
  const state: HomeAssistantState = { grid_power: -1500, grid_import: 12_345, state_of_charge: undefined };
  await publisher.tell(state);
  await publisher.tell({ ...state, grid_power: 20 });
  const configs = await listen(t, broker, 'homeassistant/#');
  await until(() => configs.length === 3 && live.length === 2);
  assert.ok(configs.every(({ isRetained }) => isRetained) && live.every(({ isRetained }) => !isRetained));
  assert.deepEqual(JSON.parse(live[0]!.payload), { grid_power: -1500, grid_import: 12_345, state_of_charge: null });
  const energy = configs.find(({ topic }) => topic === 'homeassistant/sensor/eng_001/grid_import/config');
  assert.deepEqual(JSON.parse(energy!.payload), {
    name: 'Grid import',
    unique_id: 'eng_001_grid_import',
    state_topic: 'gridtokenx/eng_001/state',
    value_template: '{{ value_json.grid_import }}',
    unit_of_measurement: 'Wh',
    device_class: 'energy',
    state_class: 'total_increasing',
    expire_after: 60,
    device: { identifiers: ['eng_001'], name: 'Engineering', manufacturer: 'GridTokenX', model: 'Board' },
  });
});

test('a Home Assistant that was started anew is told of the entities again', async (t) => {
  const broker = await brokerOf(t);
  const configs = await listen(t, broker, 'homeassistant/sensor/#');
  const publisher = new HomeAssistant(broker.link(), { id: 'eng_001', name: 'Engineering', expireSeconds: 60 });
  await using _ = publisher;
  await publisher.start();
  await publisher.tell({ pv_power: 1 });
  await publisher.tell({ pv_power: 2 });
  await until(() => configs.length === 1);
  await broker.publish('homeassistant/status', 'online');
  for (let turns = 0; configs.length < 2; turns++) {
    assert.ok(turns < 1000, 'it is never told again');
    await publisher.tell({ pv_power: 3 });
    await new Promise(setImmediate);
  }
  assert.equal(configs.length, 2);
});
