import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnixSeconds } from '#hal/units.ts';
import type { FlowReservationRequest, FlowReservationResponse } from '#ieee2030_5/types.generated.ts';
import { GATE_LEAD_SECONDS, WINDOW_SECONDS, windowOf } from '#ieee2030_5/ext/windows.ts';
import type { Connection } from '../client/connection.ts';
import type { Resources } from '../client/discovery.ts';
import { nextWindow, offerLeadSeconds, TradingAgent } from './agent.ts';

const window = UnixSeconds(1_782_136_800);
const resources = { responses: '/edev/1/frp' } as unknown as Resources;

const answer = (value: number, multiplier = 0, currentStatus = 0, start = BigInt(window)): FlowReservationResponse => ({
  mRID: new Uint8Array(16),
  subject: new Uint8Array(16),
  creationTime: 0n,
  EventStatus: { currentStatus, dateTime: 0n, potentiallySuperseded: false },
  interval: { start, duration: WINDOW_SECONDS },
  energyAvailable: { multiplier, value },
  powerAvailable: { multiplier: 0, value: 0 },
});

/** An agent that has read these answers. */
async function agentAfter(...answers: readonly FlowReservationResponse[]): Promise<TradingAgent> {
  const connection = { get: async () => ({ all: 1, results: 1, FlowReservationResponse: answers }) };
  const agent = new TradingAgent('A', 'academic', 1);
  await agent.collect(connection as unknown as Connection, resources, window);
  return agent;
}

test('a reservation commits the building to its mean power within its window', async () => {
  const agent = await agentAfter(answer(-5, 2));
  assert.equal(agent.commitmentW(window), -6000);
  assert.equal(agent.commitmentW(UnixSeconds(window + WINDOW_SECONDS)), 0);
});

test('a cancelled or superseded reservation binds nobody', async () => {
  for (const status of [2, 3, 4]) {
    assert.equal((await agentAfter(answer(500), answer(500, 0, status))).commitmentW(window), 0);
  }
});

test('an answer with numbers that cannot be is the head-end’s fault, and no crash', async () => {
  const wrong = [answer(1, 127), answer(1, 0, 0, 2n ** 62n)];
  for (const one of wrong) await assert.rejects(agentAfter(one), { code: 'GTX-SEP-005' });
});

test('an offer is for the window whose gate closes next', () => {
  for (let second = 0; second < 2 * WINDOW_SECONDS; second++) {
    const now = UnixSeconds(window + second);
    const offered = nextWindow(now);
    assert.equal(offered % WINDOW_SECONDS, 0);
    const gate = offered - GATE_LEAD_SECONDS;
    assert.ok(gate > now && gate <= now + WINDOW_SECONDS, `${second} s: gate in ${gate - now} s`);
  }
  assert.equal(nextWindow(UnixSeconds(window - offerLeadSeconds)), window + GATE_LEAD_SECONDS);
  assert.equal(windowOf(UnixSeconds(window + WINDOW_SECONDS - 1)), window);
});

interface Posted {
  readonly href: string;
  readonly name: string;
  readonly document: Partial<FlowReservationRequest> & { readonly priceLimit?: number };
}

/** What an agent posts when it expects a mean net power. */
async function offersOf(netW: number, places: Partial<Resources>): Promise<Posted[]> {
  const posts: Posted[] = [];
  const post = async (href: string, name: string, document: Posted['document']) => {
    posts.push({ href, name, document });
    return { status: 201, location: undefined, elapsedMs: 1 };
  };
  const now = UnixSeconds(window - offerLeadSeconds);
  const outlook = { netW, windowSeconds: WINDOW_SECONDS, limits: { importW: 1e6, exportW: 1e6 }, storage: undefined };
  const agent = new TradingAgent('A', 'academic', 1);
  await agent.offer({ post } as unknown as Connection, places as Resources, now, outlook);
  return posts;
}

const places = { requests: '/edev/1/frq', offerTerms: '/gtx/offers' };

test('a need buys and a surplus sells: the sign of the energy and of the power, for one whole window', async () => {
  for (const [netW, energyWh] of [
    [6_000, 500],
    [-6_000, -500],
  ] as const) {
    const [, request] = await offersOf(netW, places);
    assert.deepEqual([request?.href, request?.name], ['/edev/1/frq', 'FlowReservationRequest']);
    const { energyRequested, powerRequested, intervalRequested, durationRequested } = request?.document ?? {};
    assert.deepEqual(energyRequested, { multiplier: 0, value: energyWh });
    assert.equal((powerRequested?.value ?? 0) * 10 ** (powerRequested?.multiplier ?? 0), netW);
    assert.deepEqual(intervalRequested, { duration: WINDOW_SECONDS, start: BigInt(window + GATE_LEAD_SECONDS) });
    assert.equal(durationRequested, WINDOW_SECONDS);
  }
});

test('the price limit goes first and names the request; a server without our extension gets the request alone', async () => {
  const [terms, request] = await offersOf(6_000, places);
  assert.deepEqual([terms?.href, terms?.name], ['/gtx/offers', 'OfferTerms']);
  assert.deepEqual(terms?.document.mRID, request?.document.mRID);
  assert.ok((terms?.document.priceLimit ?? 0) > 0);
  const alone = await offersOf(6_000, { ...places, offerTerms: undefined });
  assert.deepEqual(alone, [request]);
});

test('nothing is offered where nothing is expected, or nobody takes offers', async () => {
  assert.deepEqual(await offersOf(0, places), []);
  assert.deepEqual(await offersOf(5, places), []);
  assert.deepEqual(await offersOf(6_000, { ...places, requests: undefined }), []);
});

test('commitments of windows that are over are forgotten, those to come are kept', async () => {
  const later = (n: number): bigint => BigInt(window + n * WINDOW_SECONDS);
  const agent = await agentAfter(answer(300, 0, 0, later(-1)), answer(100), answer(200, 0, 0, later(1)));
  const commitment = (n: number): number => agent.commitmentW(UnixSeconds(window + n * WINDOW_SECONDS));
  assert.deepEqual([commitment(-1), commitment(0), commitment(1)], [0, 1_200, 2_400]);
});

test('a server that promises ever more windows cannot fill the memory', async () => {
  const answers = Array.from({ length: 16 }, (_, n) => answer(100, 0, 0, BigInt(window + n * WINDOW_SECONDS)));
  const agent = await agentAfter(...answers);
  const kept = answers.filter((_, n) => agent.commitmentW(UnixSeconds(window + n * WINDOW_SECONDS)) !== 0);
  assert.deepEqual(kept, answers.slice(0, 4));
});

test('a role that changes before the gate withdraws the offer and makes it anew on the other side', async () => {
  const sent: string[] = [];
  const post = async (href: string, name: string, { mRID, energyRequested }: Posted['document']) => {
    const energy = energyRequested?.value;
    sent.push(`${name} ${energy}`);
    return { status: 201, location: `${href}/${Buffer.from(mRID ?? []).toString('hex')}`, elapsedMs: 1 };
  };
  const remove = async (href: string) => {
    sent.push(`DELETE ${href}`);
    return { status: 204, location: undefined, elapsedMs: 1 };
  };
  const connection = { post, delete: remove } as unknown as Connection;
  const at = (second: number) => UnixSeconds(window - offerLeadSeconds + second);
  const outlookOf = (netW: number) => ({
    netW,
    windowSeconds: WINDOW_SECONDS,
    limits: { importW: 1e6, exportW: 1e6 },
    storage: undefined,
  });
  const agent = new TradingAgent('A', 'academic', 1, { type: 'Prosumer', ratedW: 10_000 });
  const requests = { requests: '/frq' } as unknown as Resources;
  await agent.offer(connection, requests, at(-60), outlookOf(6_000));
  assert.equal(agent.role, 'buyer');
  // Clearly a surplus, but not for long enough yet; then for a minute, with the gate still open.
  assert.equal(agent.observe(at(-50), outlookOf(-6_000)), false);
  assert.equal(agent.observe(at(10), outlookOf(-6_000)), true);
  await agent.offer(connection, requests, at(10), outlookOf(-6_000));
  const [first, withdrawn, second] = sent;
  assert.deepEqual([first, second], ['FlowReservationRequest 500', 'FlowReservationRequest -500']);
  assert.match(withdrawn ?? '', /^DELETE \/frq\/[0-9a-f]{32}$/);
  assert.equal(agent.observe(at(20), outlookOf(6_000)), false, 'a change needs its time');
});

test('a building that is a buyer for the moment offers nothing of a short surplus', async () => {
  const posts: number[] = [];
  const post = async (_href: string, _name: string, { energyRequested }: Posted['document']) => {
    posts.push(energyRequested?.value ?? 0);
    return { status: 201, location: '/frq/1', elapsedMs: 1 };
  };
  const agent = new TradingAgent('A', 'academic', 1, { type: 'Prosumer', ratedW: 10_000 });
  const outlookOf = (netW: number) => ({
    netW,
    windowSeconds: WINDOW_SECONDS,
    limits: { importW: 1e6, exportW: 1e6 },
    storage: undefined,
  });
  const connection = { post } as unknown as Connection;
  agent.observe(UnixSeconds(window - 60), outlookOf(6_000));
  await agent.offer(connection, { requests: '/frq' } as unknown as Resources, window, outlookOf(-6_000));
  assert.deepEqual(posts, []);
});
