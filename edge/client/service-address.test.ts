import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Connection, RefusedError } from './connection.ts';
import { deviceCapabilityOf } from './service-address.ts';

/** A server whose well-known file has this text, or is refused with this status. */
function serverOf(file: string | number): { connection: Pick<Connection, 'fetch'>; asked: string[] } {
  const asked: string[] = [];
  const fetch = async (href: string) => {
    asked.push(href);
    if (typeof file === 'number') throw new RefusedError('GET', href, file, '');
    return { body: Buffer.from(file), etag: undefined, url: `https://u${href}` };
  };
  return { connection: { fetch }, asked };
}
const versions = (supported: object): string => JSON.stringify({ supportedSchemaVersions: supported });
const [v12, v13] = ['https://csipaus.org/ns', 'https://csipaus.org/ns/v1.3'];

test('an address with a path is that of the DeviceCapability, and nothing else is asked', async () => {
  const { connection, asked } = serverOf(500);
  assert.equal(await deviceCapabilityOf(connection, 'https://u:8443/sep2/dcap'), 'https://u:8443/sep2/dcap');
  assert.deepEqual(asked, []);
});

test('the best version that both ends speak tells the path; unknown and malformed ones are passed by', async () => {
  const cases: readonly (readonly [object, string])[] = [
    [{ [v12]: { dcap: ['/old'] }, [v13]: { dcap: ['/new', '/other'] } }, '/new'],
    [{ 'https://csipaus.org/ns/v99.99': { dcap: ['/a'] }, null: { dcap: ['/b'] }, [v13]: { dcap: ['/new'] } }, '/new'],
    [{ [v12]: { dcap: ['/old'] }, [v13]: { dcap: [] } }, '/old'],
    [{ [v12]: { dcap: ['/old'] }, [v13]: null }, '/old'],
  ];
  for (const [supported, path] of cases) {
    const { connection, asked } = serverOf(versions(supported));
    assert.equal(await deviceCapabilityOf(connection, 'https://u'), `https://u${path}`);
    assert.deepEqual(asked, ['/.well-known/csipaus']);
  }
});

test('a server without the file, or with something else in its place, has it at /dcap', async () => {
  for (const file of [404, 410, 500, '<html/>', '{}', 'null', '[]']) {
    assert.equal(await deviceCapabilityOf(serverOf(file).connection, 'https://u/'), 'https://u/dcap', String(file));
  }
});

test('a server that speaks no version of ours is told so; one that is not reached is asked again', async () => {
  const { connection } = serverOf(versions({ 'urn:x': { dcap: ['/x'] } }));
  await assert.rejects(deviceCapabilityOf(connection, 'https://u'), { code: 'GTX-SEP-009', message: /urn:x/ });
  const failing = { fetch: () => Promise.reject(new Error('lost')) };
  await assert.rejects(deviceCapabilityOf(failing, 'https://u'), /lost/);
});
