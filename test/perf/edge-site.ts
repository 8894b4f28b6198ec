import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { serveParent } from '#hal/process-link.ts';
import { RealClock } from '#hal/real-clock.ts';
import { W, Wh } from '#hal/units.ts';
import { EmonTwin } from '#drivers/ct/emon-twin.ts';
import { parseTwinPlan } from '#drivers/twin-plan.ts';
import { TwinSet } from '#drivers/twin-set.ts';

/** The devices of a board in a process of their own, as far from it as real ones: it is told nothing but their ports. */
export interface SiteProtocol {
  readonly open: (nothing: null) => SitePorts;
  readonly stop: (nothing: null) => void;
}

export interface SitePorts {
  /** An emonTx with six clamps on a serial device server. */
  readonly clamps: number;
  /** A gateway: the inverter is unit 1, the battery unit 2. */
  readonly modbus: number;
  /** Sends back what it gets. */
  readonly echo: number;
}

export const plant = { peakLoadW: 20_000, pvRatedW: 15_000, battery: { capacityWh: 20_000, ratedW: 10_000 } };
/** A front-end that measures at the second, so that what is seen of the board's jitter is the board's own. */
const clock = new RealClock({
  onEnd: (_, failure) => {
    if (failure !== undefined) throw failure;
  },
  onSkipped: () => undefined,
});
const resources = new AsyncDisposableStack();

async function open(): Promise<SitePorts> {
  const devices = [
    { twin: 'sunspec-inverter', unit: 1 },
    { twin: 'sunspec-battery', unit: 2 },
  ];
  const plan = parseTwinPlan('perf', JSON.stringify({ site: plant, ports: [{ tcp: 0, devices }] }));
  const twins = resources.use(new TwinSet(plan, clock));
  const [served] = await twins.start();
  const clamps = resources.use(new EmonTwin(clock));
  await clamps.start();
  clock.every({ name: 'site', period: 1, phase: 'field' }, (now) => {
    twins.advanceTo(now);
    const { state, netGridWh, consumptionWh } = twins.site;
    // One at the connection point, one around the load, and four circuits that share it.
    const circuit = { powerW: W(Math.trunc(state.loadW / 4)), energyWh: Wh(Math.trunc(consumptionWh / 4)) };
    const whole = [
      { powerW: W(state.gridW), energyWh: netGridWh },
      { powerW: W(state.loadW), energyWh: consumptionWh },
    ];
    clamps.emit({ voltsRms: 230, channels: [...whole, circuit, circuit, circuit, circuit] });
  });
  const stopping = new AbortController();
  const running = clock.run(stopping.signal);
  resources.defer(async () => {
    stopping.abort();
    await running;
  });
  const echo = createServer({ noDelay: true }, (socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  resources.defer(() => void echo.close());
  return {
    clamps: clamps.port,
    modbus: Number(served?.at.split(':')[1]),
    echo: (echo.address() as AddressInfo).port,
  };
}

const stop = (): Promise<void> => resources.disposeAsync();

// Whoever wants to know only what the site is like is no parent.
if (import.meta.main) serveParent<SiteProtocol>({ open, stop }, stop);
