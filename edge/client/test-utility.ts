import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { VirtualClock } from '#hal/emulated/virtual-clock.ts';
import { createLog } from '#hal/log.ts';
import { UnixSeconds } from '#hal/units.ts';
import type { Lfdi } from '#ieee2030_5/identity.ts';
import { namespace2018 } from '#ieee2030_5/namespaces.ts';
import type { DeviceIdentity } from '#provisioning/identity-files.ts';
import { OutboxFile } from '../outbox-file.ts';
import { Connection } from './connection.ts';
import { startTestServer, type TestAnswer, testIdentities } from './test-server.ts';
import { UtilityClient, type UtilityClientOptions } from './utility-client.ts';

/** An instant of no meaning. */
export const start = UnixSeconds(1_800_000_000);
export const after = (seconds: number): UnixSeconds => UnixSeconds(start + seconds);

/** XML of the tests' own making: what the client reads is not written by our codec. */
const ns = `xmlns="${namespace2018}" xmlns:aus="https://csipaus.org/ns/v1.3"`;
export const xml = (name: string, attributes: string, content: string): string =>
  `<${name} ${ns} ${attributes}>${content}</${name}>`;

export const mrid = (n: number): string => n.toString(16).toUpperCase().padStart(32, '0');

export interface TestControl {
  readonly mRID: number;
  readonly from: number;
  readonly seconds: number;
  readonly base?: string;
  readonly createdAt?: number;
  readonly status?: number;
  readonly statusAt?: number;
}

export const control = (options: TestControl): string => {
  const { mRID, from, seconds, base = '<opModEnergize>true</opModEnergize>' } = options;
  const { createdAt = 0, status = 0, statusAt = createdAt } = options;
  return `<DERControl href="/derp/1/derc/${mRID}" replyTo="/rsp" responseRequired="03"><mRID>${mrid(mRID)}</mRID>
    <creationTime>${start + createdAt}</creationTime><EventStatus><currentStatus>${status}</currentStatus>
    <dateTime>${start + statusAt}</dateTime><potentiallySuperseded>false</potentiallySuperseded></EventStatus>
    <interval><duration>${seconds}</duration><start>${start + from}</start></interval>
    <DERControlBase>${base}</DERControlBase></DERControl>`;
};

export const list = (name: string, attributes: string, items: readonly string[]): string =>
  xml(name, `all="${items.length}" results="${items.length}" ${attributes}`, items.join(''));

const link = (name: string, href: string): string => `<${name} href="${href}"/>`;

/** A utility of canned documents, which a test changes as it goes on. */
export class TestUtility {
  /** By path; what is asked for by pages is answered whole. A number refuses with that status. */
  readonly documents = new Map<string, string | number | TestAnswer>();
  /** `GET /path`, in order, without queries. */
  readonly asked: string[] = [];
  /** Bodies by `POST /path`. */
  readonly received: { readonly what: string; readonly body: string }[] = [];
  /** Answers to POST and PUT; 201 with a Location where there is none. */
  readonly answers = new Map<string, TestAnswer | number>();
  isDown = false;
  origin = '';
  identity: DeviceIdentity | undefined;

  answer(method: string, url: string, body: string): TestAnswer | undefined {
    const [path = ''] = url.split('?');
    this.asked.push(`${method} ${path}`);
    if (this.isDown) return undefined;
    if (method === 'GET') {
      const found = this.documents.get(path) ?? 404;
      if (typeof found === 'number') return { status: found };
      return typeof found === 'string' ? { status: 200, body: found } : found;
    }
    this.received.push({ what: `${method} ${path}`, body });
    const answer = this.answers.get(`${method} ${path}`) ?? {
      status: method === 'POST' ? 201 : 204,
      location: `${path}/1`,
    };
    return typeof answer === 'number' ? { status: answer } : answer;
  }

  /** A document that is XML. */
  text(path: string): string {
    const found = this.documents.get(path);
    if (typeof found !== 'string') throw new RangeError(`${path} is no document`);
    return found;
  }

  count(what: string): number {
    return this.asked.filter((each) => each === what).length;
  }

  /** Status and event of the responses that came, in order. */
  responses(): string[] {
    return this.received
      .filter(({ what }) => what === 'POST /rsp')
      .map(({ body }) => {
        const status = /<status>(\d+)/.exec(body)?.[1];
        const subject = /<subject>([0-9A-Fa-f]+)/.exec(body)?.[1] ?? '';
        return `${status} of ${Number.parseInt(subject, 16)}`;
      });
  }

  /** One EndDevice with one program, as CSIP has it; the clock of the server is `ahead` of the board's. */
  fill(lfdi: Lfdi, options: { pollRate?: number; ahead?: number; pin?: number } = {}): void {
    const { pollRate = 60, ahead = 0, pin } = options;
    const rate = `pollRate="${pollRate}"`;
    this.documents.set(
      '/dcap',
      xml(
        'DeviceCapability',
        `href="/dcap" ${rate}`,
        `<TimeLink href="/tm"/><EndDeviceListLink href="/edev" all="1"/>
        <MirrorUsagePointListLink href="/mup" all="0"/>`,
      ),
    );
    this.documents.set('/mup', list('MirrorUsagePointList', rate, []));
    this.documents.set(
      '/tm',
      xml(
        'Time',
        `pollRate="86400"`,
        `<currentTime>${start + ahead}</currentTime><dstEndTime>0</dstEndTime>
        <dstOffset>0</dstOffset><dstStartTime>0</dstStartTime><quality>7</quality><tzOffset>0</tzOffset>`,
      ),
    );
    this.setEndDevices(rate, [
      `<EndDevice href="/edev/1"><DERListLink href="/edev/1/der" all="1"/><lFDI>${lfdi}</lFDI>
        <LogEventListLink href="/edev/1/lel" all="0"/><sFDI>1</sFDI><changedTime>0</changedTime>
        <FunctionSetAssignmentsListLink href="/edev/1/fsa" all="1"/>
        ${pin === undefined ? '' : link('RegistrationLink', '/edev/1/rg')}
        <SubscriptionListLink href="/edev/1/sub" all="0"/></EndDevice>`,
    ]);
    if (pin !== undefined) {
      const content = `<dateTimeRegistered>0</dateTimeRegistered><pIN>${pin}</pIN>`;
      this.documents.set('/edev/1/rg', xml('Registration', rate, content));
    }
    this.documents.set(
      '/edev/1/der',
      list('DERList', rate, [
        `<DER href="/edev/1/der/1">${link('DERAvailabilityLink', '/edev/1/der/1/dera')}
          ${link('DERCapabilityLink', '/edev/1/der/1/dercap')}${link('DERSettingsLink', '/edev/1/der/1/derg')}
          ${link('DERStatusLink', '/edev/1/der/1/ders')}</DER>`,
      ]),
    );
    this.documents.set(
      '/edev/1/fsa',
      list('FunctionSetAssignmentsList', `${rate} subscribable="1"`, [
        `<FunctionSetAssignments href="/edev/1/fsa/1"><DERProgramListLink href="/derp" all="1"/><mRID>${mrid(1)}</mRID>
          </FunctionSetAssignments>`,
      ]),
    );
    this.documents.set('/derp', list('DERProgramList', rate, [this.program(1, 0)]));
    this.documents.set('/derp/1/dderc', this.defaultControl('<opModExpLimW>1500</opModExpLimW>'));
    this.setControls([]);
  }

  program(id: number, primacy: number): string {
    return `<DERProgram href="/derp/${id}"><mRID>${mrid(100 + id)}</mRID><DefaultDERControlLink href="/derp/${id}/dderc"/>
      <DERControlListLink href="/derp/${id}/derc" all="0"/><primacy>${primacy}</primacy></DERProgram>`;
  }

  defaultControl(base: string): string {
    const limit = /<opModExpLimW>(\d+)/.exec(base)?.[1];
    const content =
      limit === undefined
        ? base
        : `<aus:opModExpLimW><multiplier>0</multiplier><value>${limit}</value></aus:opModExpLimW>`;
    return xml(
      'DefaultDERControl',
      'subscribable="1"',
      `<mRID>${mrid(200)}</mRID><DERControlBase>${content}</DERControlBase>`,
    );
  }

  setEndDevices(attributes: string, items: readonly string[]): void {
    this.documents.set('/edev', list('EndDeviceList', attributes, items));
  }

  setControls(items: readonly string[], program = 1): void {
    this.documents.set(`/derp/${program}/derc`, list('DERControlList', 'subscribable="1"', items));
  }
}

export interface Bench {
  readonly utility: TestUtility;
  readonly clock: VirtualClock;
  readonly board: DeviceIdentity;
  readonly identity: (name: string) => Promise<DeviceIdentity>;
  readonly path: string;
  /** A client of the utility; disposed of with the test, or before. */
  readonly client: (options?: Partial<UtilityClientOptions>) => Promise<UtilityClient>;
  readonly runTo: (seconds: number) => Promise<void>;
}

/** A utility over real TLS, a virtual clock, and clients whose file is that of one board. */
export async function startBench(t: TestContext): Promise<Bench> {
  const identity = await testIdentities(t);
  const board = await identity('board');
  const utility = new TestUtility();
  utility.identity = await identity('server');
  utility.origin = await startTestServer(t, utility.identity, (method, url, body) => utility.answer(method, url, body));
  const folder = mkdtempSync(join(tmpdir(), 'gtx-client-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'outbox.db');
  const clock = new VirtualClock(start);
  const stack = new AsyncDisposableStack();
  t.after(() => stack.disposeAsync());
  const file = stack.use(new OutboxFile(path));
  const client = async (options: Partial<UtilityClientOptions> = {}): Promise<UtilityClient> => {
    const connection = stack.use(new Connection(utility.origin, board));
    const made = stack.use(
      new UtilityClient({
        clock,
        connection,
        serverUrl: `${utility.origin}/dcap`,
        lfdi: board.lfdi,
        outboxFile: file,
        board: 'TEST_001',
        seed: 1,
        log: createLog('test', 'silent'),
        ...options,
      }),
    );
    await made.start();
    return made;
  };
  return {
    utility,
    clock,
    board,
    identity,
    path,
    client,
    runTo: (seconds) => clock.runUntil({ time: start + seconds, phase: 9 }),
  };
}
