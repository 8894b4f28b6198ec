import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenTcp } from '#hal/linux/tcp.ts';
import { checkPort, checkPorts } from './ports.ts';

test('a port that is taken is told of with the flag that changes it', async () => {
  await using taken = await listenTcp(0, (stream) => stream.destroy());
  await assert.rejects(checkPort(taken.port, 'the dashboard', '--http-port'), (error: Error & { hint?: string }) => {
    assert.equal(error.message, `Port ${taken.port} of the dashboard is taken`);
    assert.match(error.hint ?? '', /--http-port PORT/);
    return (error as { code?: string }).code === 'GTX-CMP-003';
  });
});

test('a free port is free again after it was looked at', async () => {
  const { port, ...listener } = await listenTcp(0, (stream) => stream.destroy());
  await listener[Symbol.asyncDispose]();
  await checkPort(port, 'the dashboard', '--http-port');
  await using again = await listenTcp(port, (stream) => stream.destroy());
  assert.equal(again.port, port);
  await checkPort(0, 'the dashboard', '--http-port');
});

test('two servers on one port are told of, and any number of them may take any free one', async () => {
  const listener = (flag: string, port: number) => ({ flag, port, what: 'a server' });
  await checkPorts([listener('--sep-port', 0), listener('--http-port', 0)]);
  const both = [listener('--sep-port', 8443), listener('--http-port', 0), listener('--enrolment-port', 8443)];
  await assert.rejects(checkPorts(both), {
    code: 'GTX-CMP-004',
    message: '--sep-port and --enrolment-port are both 8443',
  });
});
