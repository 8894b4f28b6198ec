import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import fc from 'fast-check';
import { type JsonObject, toJson } from '#ieee2030_5/json.ts';
import type { RootName } from '#ieee2030_5/types.generated.ts';
import type { Device } from '../../registry/devices.ts';
import { testStart } from '../../server/test-server.ts';
import { type DocumentKind, documentKinds } from './document-kinds.ts';
import { TestOperator } from './test-operator.ts';

suite("operators' documents", { concurrency: false }, () => {
  let operator: TestOperator;
  let device: Device;

  before(async () => {
    operator = await TestOperator.start();
    device = await operator.server.device({ meterId: 'METER_1' });
  });
  after(() => operator[Symbol.asyncDispose]());

  /** The document as the 2030.5 side serves it. */
  const served = async (name: RootName, href: string): Promise<JsonObject> => {
    const document = await operator.server.document(device, href, name);
    return toJson(name, document) as JsonObject;
  };

  const show = async (list: string, id: string): Promise<void> => {
    const { status } = await operator.ask('POST', '/function-set-assignments', {
      description: 'all',
      [list]: [id],
      devices: ['METER_1'],
    });
    assert.equal(status, 201);
  };

  const shownBy: Readonly<Record<string, string>> = {
    programs: 'programs',
    tariffs: 'tariffs',
    'messaging-programs': 'messagingPrograms',
    'demand-response-programs': 'demandResponsePrograms',
  };

  /** An example whose times lie ahead of the test's clock. */
  const timely = ({ example, isOwned }: DocumentKind): JsonObject => ({
    ...example,
    ...('interval' in example && { interval: { start: testStart, duration: 1800 } }),
    ...(isOwned === true && { device: 'METER_1' }),
  });

  /** Adds an example of a kind and of all below it; each is served as it was given. */
  async function walk(kind: DocumentKind, parent: string): Promise<void> {
    const given = timely(kind);
    const path = `${parent}/${kind.path}`;
    const answer = await operator.ask(kind.isSingle === true ? 'PUT' : 'POST', path, given);
    assert.equal(answer.status, 201, `${path}: ${JSON.stringify(answer.json)}`);
    const { href, id } = answer.json;
    const own = kind.isSingle === true ? path : `${path}/${id}`;
    assert.equal(answer.headers.get('location'), `/api/v1${own}`);
    const assigning = shownBy[kind.path];
    if (parent === '' && assigning !== undefined) await show(assigning, id);
    const { device: _, ...wanted } = given;
    for (const json of [(await operator.ask('GET', own)).json, answer.json]) assertHolds(json, wanted, own);
    assertHolds(await served(kind.name, href), wanted, href);
    // What was read may be put back as it is.
    const again = await operator.ask('PUT', own, (await operator.ask('GET', own)).json);
    assert.equal(again.status, 200, JSON.stringify(again.json));
    assert.deepEqual(again.json, (await operator.ask('GET', own)).json);
    if (kind.isSingle !== true) {
      const { items } = (await operator.ask('GET', path)).json;
      assert.ok(
        items.some((item) => item['id'] === id),
        path,
      );
    }
    for (const child of kind.children ?? []) await walk(child, own);
    const { status } = await operator.ask('DELETE', own);
    assert.equal(status, 204);
    for (const method of ['GET', 'DELETE']) assert.equal((await operator.ask(method, own)).status, 404, own);
    // A component has a reading type also where nobody says one.
    const left = kind.name === 'ReadingType' ? 200 : 404;
    assert.equal((await operator.server.get(device, href)).status, left, href);
  }

  for (const kind of documentKinds) {
    test(`/${kind.path} and all below it: added, read, put back, served to the device, removed`, () => walk(kind, ''));
  }

  const program = async (): Promise<string> => {
    const { json } = await operator.ask('POST', '/programs', { primacy: 3, description: 'law' });
    const { id } = json;
    await show('programs', id);
    return id;
  };

  test('what is POSTed as a DERControl is what the 2030.5 side serves', async () => {
    const id = await program();
    const power = fc.record({
      multiplier: fc.integer({ min: -3, max: 3 }),
      value: fc.integer({ min: -32_768, max: 32_767 }),
    });
    const controls = fc.record(
      {
        description: fc.stringMatching(/^[A-Za-z0-9 é]{0,20}$/),
        responseRequired: fc.constantFrom('00', '01', '03'),
        randomizeStart: fc.integer({ min: -3600, max: 3600 }),
        deviceCategory: fc.constantFrom('00000001', '01000000'),
        mRID: fc.stringMatching(/^[0-9A-F]{32}$/),
        version: fc.integer({ min: 0, max: 65_535 }),
        interval: fc.record({
          start: fc.integer({ min: testStart, max: testStart + 1_000_000 }),
          duration: fc.integer({ min: 4000, max: 100_000 }),
        }),
        DERControlBase: fc.record(
          {
            opModExpLimW: power,
            opModImpLimW: power,
            opModConnect: fc.boolean(),
            opModMaxLimW: fc.integer({ min: 0, max: 10_000 }),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: ['interval', 'DERControlBase'] },
    );
    await fc.assert(
      fc.asyncProperty(controls, async (drawn) => {
        // Without the empty prototypes of what is drawn.
        const given = JSON.parse(JSON.stringify(drawn)) as JsonObject;
        const { json, status } = await operator.ask('POST', `/programs/${id}/controls`, given);
        assert.equal(status, 201, JSON.stringify(json));
        const { href } = json;
        assertHolds(await served('DERControl', href), given, href);
        const { EventStatus } = await served('DERControl', href);
        assert.deepEqual(json['EventStatus'], EventStatus);
        assert.equal((await operator.ask('DELETE', `/programs/${id}/controls/${href.split('/').at(-1)}`)).status, 204);
      }),
      { numRuns: 40 },
    );
  });

  test('a cancelled control says so to the device, with its reason, and cannot be cancelled again', async () => {
    const id = await program();
    for (const [randomized, currentStatus] of [
      [false, 2],
      [true, 3],
    ]) {
      const body = { interval: { start: testStart + 60, duration: 60 }, DERControlBase: { opModConnect: false } };
      const { href, id: control } = (await operator.ask('POST', `/programs/${id}/controls`, body)).json;
      const path = `/programs/${id}/controls/${control}`;
      const done = await operator.ask('POST', `${path}/cancel`, { randomized, reason: 'not needed' });
      const wanted = { currentStatus, dateTime: testStart, potentiallySuperseded: false, reason: 'not needed' };
      assert.deepEqual([done.status, done.json['EventStatus']], [200, wanted]);
      assert.deepEqual((await served('DERControl', href))['EventStatus'], wanted);
      assert.equal((await operator.ask('POST', `${path}/cancel`)).status, 409);
      // A control that is put in its place stays cancelled.
      assert.deepEqual((await operator.ask('PUT', path, body)).json['EventStatus'], wanted);
    }
  });

  const control = { interval: { start: testStart, duration: 60 }, DERControlBase: {} };
  const refusals: readonly (readonly [what: string, body: unknown, status: number, code: string, place: string])[] = [
    ['an unknown member', { ...control, opModX: 1 }, 422, 'GTX-JSN-003', '/opModX'],
    ['an unknown member inside', { ...control, DERControlBase: { a: 1 } }, 422, 'GTX-JSN-003', '/DERControlBase/a'],
    ['a missing member', { DERControlBase: {} }, 422, 'GTX-JSN-004', 'interval'],
    ['a number out of range', { ...control, randomizeStart: 3601 }, 422, 'GTX-OPR-002', '/randomizeStart'],
    ['too long a text', { ...control, description: 'x'.repeat(33) }, 422, 'GTX-JSN-006', '/description'],
    ['a wrong type', { ...control, description: 7 }, 422, 'GTX-JSN-002', '/description'],
    ['what the server says', { ...control, subscribable: 1 }, 422, 'GTX-OPR-002', '/subscribable'],
    ['an event that is over', { ...control, interval: { start: 0, duration: 60 } }, 422, 'GTX-OPR-002', '/interval'],
    [
      'a curve that is not there',
      { ...control, DERControlBase: { opModVoltVar: { href: '/derp/1/dc/9' } } },
      422,
      'GTX-OPR-002',
      '/DERControlBase/opModVoltVar/href',
    ],
    ['no object', [], 422, 'GTX-JSN-002', 'The document'],
    ['no JSON', '{"a":', 400, 'GTX-GTW-008', ''],
    ['more than 1 MiB', { ...control, description: 'x'.repeat(1 << 20) }, 413, 'GTX-GTW-008', ''],
    ['the prototype', '{"__proto__":{"a":1}}', 400, 'GTX-GTW-008', ''],
  ];
  for (const [what, body, status, code, place] of refusals) {
    test(`a control with ${what} is refused with ${code}, and nothing is stored`, async () => {
      const id = await program();
      const answer = await operator.ask('POST', `/programs/${id}/controls`, body);
      assert.deepEqual([answer.status, answer.json['code']], [status, code], JSON.stringify(answer.json));
      assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8');
      assert.ok(answer.json.detail.includes(place), answer.json.detail);
      assert.deepEqual((await operator.ask('GET', `/programs/${id}/controls`)).json, { items: [] });
    });
  }

  test('an mRID names one object: a second one is refused, and none changes its own', async () => {
    const [id, other] = [await program(), await program()];
    const mRID = '0123456789ABCDEF0123456789ABCDEF';
    const first = await operator.ask('POST', `/programs/${id}/controls`, { ...control, mRID });
    assert.equal(first.status, 201);
    for (const one of [id, other]) {
      const again = await operator.ask('POST', `/programs/${one}/controls`, { ...control, mRID });
      assert.deepEqual([again.status, again.json['code']], [409, 'GTX-OPR-003']);
    }
    const path = `/programs/${id}/controls/${first.json.id}`;
    assert.equal((await operator.ask('PUT', path, { ...control, mRID: 'AB' })).status, 409);
    const put = await operator.ask('PUT', path, control);
    assert.deepEqual([put.status, put.json['mRID']], [200, mRID]);
  });

  test('what is not there is 404 at every depth, also for ids that would lead elsewhere', async () => {
    for (const path of [
      '/programs/999',
      '/programs/1e3/controls',
      '/programs/999/controls/1',
      '/programs/..%2Fedev/default-control',
    ]) {
      assert.equal((await operator.ask('GET', path)).status, 404, path);
    }
    assert.equal((await operator.ask('POST', '/programs/999/controls', control)).status, 404);
    assert.equal((await operator.ask('PUT', '/programs/999/default-control', { DERControlBase: {} })).status, 404);
  });

  test('the content of a file is downloaded by a device as it was put', async () => {
    const given = { mfID: 1, mfModel: 'Board', mfVer: '1', size: 5, type: '0000' };
    const { id, href } = (await operator.ask('POST', '/files', given)).json;
    const put = (text: string) => operator.ask('PUT', `/files/${id}/content`, Buffer.from(text));
    assert.equal((await put('12')).json['code'], 'GTX-OPR-002');
    assert.equal((await put('12345')).status, 204);
    const { fileURI } = await operator.server.document(device, href, 'File');
    const { content } = await operator.server.get(device, fileURI);
    assert.equal(Buffer.from(content ?? []).toString(), '12345');
    assert.equal((await operator.ask('PUT', '/files/999/content', Buffer.from('x'))).status, 404);
    assert.equal((await operator.ask('DELETE', `/files/${id}`)).status, 204);
    assert.equal(await operator.server.sep.contents.size(href), undefined);
  });

  test('a write from another page is refused, one from our own or from a program is not', async () => {
    const from = (headers: Record<string, string>) => operator.ask('POST', '/programs', { primacy: 1 }, headers);
    const own = `http://127.0.0.1:${operator.port}`;
    assert.equal((await from({ origin: own, 'sec-fetch-site': 'same-origin' })).status, 201);
    const others: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of others) {
      const { status, json } = await from(headers);
      assert.deepEqual([status, json['code']], [403, 'GTX-GTW-011']);
    }
  });
});

/** Every member that was given is there, as the schema reads it. */
function assertHolds(json: JsonObject, wanted: JsonObject, where: string): void {
  for (const [name, value] of Object.entries(wanted)) assert.deepEqual(json[name], value, `${where}: ${name}`);
}
