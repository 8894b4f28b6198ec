import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceFile, fakeLibc, systemError } from './fake-kernel.ts';
import { I2cDevBus, i2cdev } from './i2c.ts';

test('a transaction is a write, a read, or both with a repeated start, as the kernel has them', async (t) => {
  const seen: string[] = [];
  const kernel = fakeLibc(({ request, structure, pointers }) => {
    assert.equal(request, i2cdev.I2C_RDWR);
    const [messages] = pointers;
    assert.equal(messages?.at, i2cdev.transaction.msgs);
    const told: string[] = [];
    for (let i = 0; i < structure.readUInt32LE(i2cdev.transaction.nmsgs); i++) {
      const { bytes, addr, flags, len } = i2cdev.message;
      const message: Buffer = messages.to.subarray(i * bytes, (i + 1) * bytes);
      const data: Buffer | undefined = messages.pointers?.[i]?.to;
      assert.equal(data?.length, message.readUInt16LE(len));
      assert.equal(message.readUInt16LE(addr), 0x48);
      const isRead = message.readUInt16LE(flags) === i2cdev.I2C_M_RD;
      told.push(isRead ? `read ${data?.length}` : `write ${data?.toString('hex')}`);
      if (isRead) data?.fill(0xa5);
    }
    seen.push(told.join(', '));
  });
  await using bus = new I2cDevBus({ i2c: deviceFile(t) }, kernel);
  await bus.start();
  assert.equal((await bus.transfer(0x48, Buffer.of(1, 2), 3)).toString('hex'), 'a5a5a5');
  assert.equal((await bus.transfer(0x48, Buffer.of(9), 0)).length, 0);
  assert.equal((await bus.transfer(0x48, Buffer.alloc(0), 2)).length, 2);
  await bus.transfer(0x48, Buffer.alloc(0), 0);
  assert.deepEqual(seen, ['write 0102, read 3', 'write 09', 'read 2', 'write ']);
});

test('an address that is reserved, a bus that is not started and a chip that is silent are told apart', async (t) => {
  const kernel = fakeLibc(() => {
    throw systemError('EREMOTEIO');
  });
  const bus = new I2cDevBus({ i2c: deviceFile(t) }, kernel);
  await assert.rejects(bus.transfer(0x48, Buffer.of(1), 0), { code: 'GTX-HAL-006' });
  await bus.start();
  for (const address of [0x07, 0x78, 1.5]) {
    await assert.rejects(bus.transfer(address, Buffer.of(1), 0), { code: 'GTX-HAL-008' });
  }
  await assert.rejects(bus.transfer(0x48, Buffer.of(1), 8193), { code: 'GTX-HAL-008' });
  await assert.rejects(bus.transfer(0x48, Buffer.of(1), 1), { code: 'GTX-HAL-005', message: /0x48 failed: EREMOTEIO/ });
  await bus[Symbol.asyncDispose]();
  await assert.rejects(new I2cDevBus({ i2c: '/dev/i2c-99' }).start(), {
    code: 'GTX-HAL-004',
    hint: /dtparam=i2c_arm=on/,
  });
});
