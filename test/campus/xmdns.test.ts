import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { ipv6Interface } from '#hal/ipv6-interface.ts';
import { createLog } from '#hal/log.ts';
import { findServers, findServerUrl } from '#edge/client/dns-sd.ts';
import { Announcer } from '#head-end/server/dns-sd/announcer.ts';
import { parseLfdi } from '#ieee2030_5/identity.ts';

/** The site-local group of xmDNS (IEEE 2030.5-2018 §7). */
const group = 'ff05::fb';
const lfdi = parseLfdi('3E4F45AB31EDFE5B67E343E5E4562E31984E23E5');

async function freePort(): Promise<number> {
  const probe = createSocket('udp6').bind(0, '::1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Whether what is sent to the group on an interface comes back to it: some sandboxes have the address and no multicast. */
async function carriesMulticast(on: string): Promise<boolean> {
  const socket = createSocket({ type: 'udp6', reuseAddr: true });
  try {
    socket.bind(await freePort(), '::');
    await once(socket, 'listening');
    socket.addMembership(group, on);
    socket.setMulticastInterface(on);
    const came = once(socket, 'message', { signal: AbortSignal.timeout(1_000) });
    socket.send('xmDNS', socket.address().port, group);
    await came;
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

/** The interface to be tried, or skips the test. */
async function usable(t: TestContext): Promise<string | undefined> {
  const on = ipv6Interface();
  if (on === undefined) t.skip('this machine has no IPv6 address');
  else if (!(await carriesMulticast(on))) t.skip(`IPv6 multicast to ${group} does not pass on ${on}`);
  else return on;
  return undefined;
}

test('a board finds its head-end by xmDNS over the whole site, at FF05::FB by IPv6', async (t) => {
  if ((await usable(t)) === undefined) return;
  const port = await freePort();
  const server = { lfdi, address: 'fd00::7', port: 8443, dcap: '/dcap', subtypes: { edev: '/edev' } };
  const announcer = new Announcer({
    scope: 'site',
    groupPort: port,
    server,
    endDeviceOf: () => undefined,
    log: createLog('test', 'silent'),
  });
  await announcer.start();
  t.after(() => announcer[Symbol.asyncDispose]());
  const url = await findServerUrl({ scope: 'site', port, windowMs: 600 });
  assert.equal(url, 'https://[fd00::7]:8443/dcap');
  const byFunctionSet = await findServers({ scope: 'site', subtype: 'edev', port, windowMs: 600 });
  assert.ok(byFunctionSet.length > 0 && byFunctionSet.every((found) => found.url === url));
});

test('an interface that there is not is told by its code', async () => {
  // TEST-NET-1: nobody's (RFC 5737).
  const options = { scope: 'local', interface: '192.0.2.77', windowMs: 60, port: await freePort() } as const;
  await assert.rejects(findServers(options), { code: 'GTX-SEP-013' });
});
