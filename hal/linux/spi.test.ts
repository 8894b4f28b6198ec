import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceFile, type FakeCall, fakeLibc, systemError } from './fake-kernel.ts';
import { SpidevDevice, spidev } from './spi.ts';

const bufferAt = ({ pointers }: FakeCall, at: number): Buffer => {
  const found = pointers.find((pointer) => pointer.at === at);
  assert.ok(found !== undefined);
  return found.to;
};

test('the start sets mode, word and speed; a transfer clocks out and in as many bytes', async (t) => {
  const calls: FakeCall[] = [];
  const kernel = fakeLibc((call) => {
    calls.push(call);
    if (call.request !== spidev.SPI_IOC_MESSAGE_1) return;
    const sent = bufferAt(call, spidev.transfer.tx_buf);
    bufferAt(call, spidev.transfer.rx_buf).set(sent.map((byte) => byte ^ 0xff));
  });
  const path = deviceFile(t);
  await using device = new SpidevDevice({ spi: path, mode: 3, speedHz: 200_000 }, kernel);
  assert.equal(device.name, `spi ${path}`);
  await device.start();
  await device.start();
  assert.deepEqual(
    calls.map(({ request, structure }) => [request, structure.toString('hex')]),
    [
      [spidev.SPI_IOC_WR_MODE, '03'],
      [spidev.SPI_IOC_WR_BITS_PER_WORD, '08'],
      [spidev.SPI_IOC_WR_MAX_SPEED_HZ, '400d0300'],
    ],
  );
  assert.equal((await device.transfer(Buffer.from('80b10000', 'hex'))).toString('hex'), '7f4effff');
  const message = calls.at(-1)?.structure;
  assert.equal(message?.readUInt32LE(spidev.transfer.len), 4);
  assert.equal(message?.[spidev.transfer.bits_per_word], 8);
});

test('a transfer before the start, of nothing, of too much, or that the kernel refuses is an error with a code', async (t) => {
  let isBroken = false;
  const kernel = fakeLibc(() => {
    if (isBroken) throw systemError('EIO');
  });
  const device = new SpidevDevice({ spi: deviceFile(t) }, kernel);
  await assert.rejects(device.transfer(Buffer.alloc(1)), { code: 'GTX-HAL-006' });
  await device.start();
  await assert.rejects(device.transfer(Buffer.alloc(0)), { code: 'GTX-HAL-008' });
  await assert.rejects(device.transfer(Buffer.alloc(4097)), { code: 'GTX-HAL-008' });
  isBroken = true;
  await assert.rejects(device.transfer(Buffer.alloc(2)), { code: 'GTX-HAL-005', message: /EIO/ });
  await device[Symbol.asyncDispose]();
  await assert.rejects(device.start(), { code: 'GTX-HAL-005', message: /setting mode 0 at 1000000 Hz/ });
  await assert.rejects(device.transfer(Buffer.alloc(1)), { code: 'GTX-HAL-006' });
});

test('where there is no SPI the technician is told how to turn it on', async () => {
  const device = new SpidevDevice({ spi: '/dev/spidev9.9' });
  await assert.rejects(device.start(), {
    code: 'GTX-HAL-004',
    message: /^Cannot open spi .*ENOENT/,
    hint: /dtparam=spi=on/,
  });
});
