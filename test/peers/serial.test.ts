import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { debianPackage } from '../debian-packages.ts';
import { openHint } from '#hal/linux/device-file.ts';
import { testFolder } from '#hal/linux/fake-kernel.ts';
import { SerialPort } from '#hal/linux/serial.ts';

/** Two ends of a line. */
async function line(t: TestContext): Promise<{ a: string; b: string; cut: () => void }> {
  const folder = testFolder(t);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  const end = (path: string): string => `PTY,raw,echo=0,link=${path}`;
  const socat = spawn('socat', ['-d', '-d', end(a), end(b)]);
  t.after(() => socat.kill());
  let told = '';
  while (!told.includes('starting data transfer loop')) {
    const [chunk] = (await once(socat.stderr, 'data')) as [Buffer];
    told += chunk.toString();
  }
  return { a, b, cut: () => socat.kill() };
}

test('bytes cross a serial line both ways as they are, and the line can be opened again', async (t) => {
  if (!debianPackage(t, 'socat')) return;
  const { a, b } = await line(t);
  const far = await new SerialPort({ serial: b, baud: 9600 }).open();
  far.on('data', (chunk: Buffer) => far.write(chunk));
  const port = new SerialPort({ serial: a, baud: 115_200, parity: 'even', stopBits: 2 });
  assert.equal(port.name, `serial ${a} 115200`);
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
  for (let n = 0; n < 2; n++) {
    const near = await port.open();
    near.write(bytes);
    let back = Buffer.alloc(0);
    while (back.length < bytes.length) {
      const [chunk] = (await once(near, 'data')) as [Buffer];
      back = Buffer.concat([back, chunk]);
    }
    assert.deepEqual(back, bytes);
    near.destroy();
    await once(near, 'close');
  }
  far.destroy();
  await once(far, 'close');
});

test('a line that is pulled out ends its stream', async (t) => {
  if (!debianPackage(t, 'socat')) return;
  const { a, cut } = await line(t);
  const near = await new SerialPort({ serial: a, baud: 9600 }).open();
  near.on('error', () => undefined);
  near.resume();
  // With an error or without: what the line reads as when it is cut is the driver's.
  const closed = new Promise((resolve) => near.once('close', resolve));
  cut();
  await closed;
  assert.ok(near.destroyed);
});

test('a line that is not there, is taken, or is none is told apart', async (t) => {
  const folder = testFolder(t);
  const missing = new SerialPort({ serial: join(folder, 'ttyAMA0'), baud: 9600 });
  await assert.rejects(missing.open(), { code: 'GTX-HAL-007', hint: /enable_uart/ });
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await assert.rejects(new SerialPort({ serial: file, baud: 9600 }).open(), { code: 'GTX-HAL-007' });
  if (!debianPackage(t, 'socat')) return;
  const { a } = await line(t);
  const first = await new SerialPort({ serial: a, baud: 9600 }).open();
  await assert.rejects(new SerialPort({ serial: a, baud: 9600 }).open(), { code: 'GTX-HAL-007', hint: /fuser/ });
  first.destroy();
  await once(first, 'close');
});

test('who may not open a device is told which group to join', (t) => {
  assert.match(openHint('/dev/null', 'EACCES', ''), /^Let the user \w+ read and write/);
  if (process.getuid?.() !== 0) return t.skip('only root can give a file to another group');
  const file = join(testFolder(t), 'ttyUSB0');
  writeFileSync(file, '');
  const [name, , gid] = group().split(':');
  chownSync(file, 0, Number(gid));
  assert.ok(openHint(file, 'EACCES', '').includes(`into the group ${name}: \`usermod -aG ${name} `));
});

/** A group of this machine other than root's. */
const group = (): string =>
  readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((each) => Number(each.split(':')[2]) > 0) ?? '';

test('a line that the program may not open is refused with a code and a hint', async (t) => {
  if (!debianPackage(t, 'socat')) return;
  if (process.getuid?.() !== 0) return t.skip('only root can start a program as another user');
  const { a } = await line(t);
  // The link may be looked at, what it names may not be opened.
  chmodSync(dirname(a), 0o755);
  const module = JSON.stringify(new URL('../../hal/linux/serial.ts', import.meta.url).href);
  const script = `const { SerialPort } = await import(${module});
    await new SerialPort({ serial: ${JSON.stringify(a)}, baud: 9600 }).open().catch((error) => console.log(error.describe()));`;
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { uid: 65_534, encoding: 'utf8' });
  if (child.error !== undefined) return t.skip('this checkout lies where no other user may read it');
  assert.match(
    child.stdout,
    /^GTX-HAL-007 Cannot open serial .*ermission denied.*\n {2}hint: Let the user /,
    child.stderr,
  );
});
