import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GridError } from '#hal/errors.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds, W } from '#hal/units.ts';
import type { RippleReading } from '#drivers/capabilities.ts';
import type { BoardFile } from '../board-file.ts';
import type { BoardDevices, SiteSample } from '../sampler.ts';
import { ControlLoop, type ControlLoopOptions } from './loop.ts';

const sample: SiteSample = {
  time: UnixSeconds(1000),
  gridW: W(500),
  loadW: W(500),
  voltageV: 230,
  inverter: undefined,
  battery: undefined,
};
const rest = async (): Promise<void> => undefined;

/** A loop over a ripple-control receiver and a contactor, and what became of them. */
function loopOf(reading: RippleReading, connect: (isConnected: boolean) => Promise<void> = rest) {
  const told: boolean[] = [];
  const devices = {
    gridChannel: 1,
    loadChannel: 2,
    ripple: { start: rest, read: async () => reading, [Symbol.asyncDispose]: rest },
    contactor: {
      start: rest,
      connect: (isConnected: boolean) => {
        told.push(isConnected);
        return connect(isConnected);
      },
      [Symbol.asyncDispose]: rest,
    },
  } as unknown as BoardDevices;
  const file = { connection: { importLimitW: 1000, exportLimitW: 1000 }, devices: {} } as unknown as BoardFile;
  const options = {
    file,
    devices,
    utility: {
      serverNow: () => UnixSeconds(1000),
      schedule: () => undefined,
      view: () => undefined,
      lastError: undefined,
    },
    lfdi: 'aa',
    sampleSeconds: 1,
    log: createLog('test', 'silent'),
  } as unknown as ControlLoopOptions;
  const loop = new ControlLoop(options);
  loop.start();
  return { loop, told };
}

test('what the ripple control asks for limits the generation, and its fault is told', async () => {
  const { loop } = loopOf({ percent: 0, fault: 'no line is active' });
  await loop.control(sample, 0);
  const { generation } = loop.explanation?.limits ?? {};
  assert.deepEqual(generation?.source, { kind: 'ripple', fault: 'no line is active' });
  assert.equal(generation?.w, 0);
});

test('the contactor is closed while the site is in service, and one that fails keeps control from nothing', async () => {
  const { loop, told } = loopOf({ percent: 100, fault: undefined }, () =>
    Promise.reject(new GridError('GTX-REL-001', 'The contactor did not close')),
  );
  await loop.control(sample, 0);
  await loop.control({ ...sample, time: UnixSeconds(1001) }, 0);
  assert.deepEqual(told, [true, true]);
  assert.equal(loop.explanation?.at, 1001);
});
