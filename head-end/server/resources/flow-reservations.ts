import type { Clock } from '#hal/clock.ts';
import { GridError } from '#hal/errors.ts';
import { activePower } from '#ieee2030_5/active-power.ts';
import { formatMrid, mridOf } from '#ieee2030_5/identity.ts';
import { pageOf, parseListQuery } from '#ieee2030_5/list.ts';
import { parseAs } from '#ieee2030_5/parse.ts';
import type { FlowReservationRequest, FlowReservationResponse } from '#ieee2030_5/types.generated.ts';
import { WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import type { Allocation, MarketDesk, ReservationTerms } from '../../market/desk.ts';
import { type Order } from '../../market/orders.ts';
import { created, forbidden, ok, type SepRequest } from '../exchange.ts';
import type { Router } from '../router.ts';
import { ownDevice } from './core.ts';

const pollRate = 300;

/** 403 for everyone but the device of the path. */
const own = (request: SepRequest, answer: () => ReturnType<typeof ok>) =>
  ownDevice(request) === undefined ? forbidden : answer();

/** FlowReservationRequest and -Response (IEEE 2030.5-2018 §10.9): the door of the market. */
export function addFlowReservationResources(router: Router, desk: MarketDesk, clock: Clock): void {
  router.add('/edev/:device/frq', {
    GET: (request) =>
      own(request, () => {
        const requests = desk.openOrdersOf(request.device.meterId).map((order) => requestOf(order, request.path));
        const { items, all, results } = pageOf(requests, parseListQuery(request.query));
        return ok('FlowReservationRequestList', {
          href: request.path,
          pollRate,
          all,
          results,
          FlowReservationRequest: items,
        });
      }),
    POST: async (request) => {
      if (ownDevice(request) === undefined) return forbidden;
      const terms = reservationTerms(parseAs('FlowReservationRequest', request.body));
      await desk.request(request.device.meterId, terms);
      return created(`${request.path}/${terms.mRID}`);
    },
  });
  router.add('/edev/:device/frp', {
    GET: (request) =>
      own(request, () => {
        const responses = desk
          .allocationsOf(request.device.meterId)
          .map((allocation) => responseOf(allocation, request.path, clock.now()));
        const { items, all, results } = pageOf(responses, parseListQuery(request.query));
        return ok('FlowReservationResponseList', {
          href: request.path,
          pollRate,
          all,
          results,
          FlowReservationResponse: items,
        });
      }),
  });
}

/** A request as the market reads it. */
function reservationTerms(document: FlowReservationRequest): ReservationTerms {
  const { energyRequested, intervalRequested, mRID } = document;
  if (intervalRequested.duration !== WINDOW_SECONDS) {
    throw new GridError('GTX-ORD-001', `A reservation of ${intervalRequested.duration} s is not one window`, {
      hint: `A window is ${WINDOW_SECONDS} s long and starts at a multiple of it.`,
    });
  }
  const energyWh = Math.round(energyRequested.value * 10 ** energyRequested.multiplier);
  return { mRID: formatMrid(mRID), energyWh, window: Number(intervalRequested.start) };
}

const mean = (energyWh: number): { multiplier: number; value: number } =>
  activePower(Math.round((energyWh * 3600) / WINDOW_SECONDS));

const requestOf = (order: Order, path: string): FlowReservationRequest => {
  const energyWh = order.side === 'buy' ? order.energyWh : 0 - order.energyWh;
  return {
    href: `${path}/${order.mRID}`,
    mRID: Uint8Array.from(Buffer.from(order.mRID, 'hex')),
    creationTime: BigInt(order.window),
    durationRequested: WINDOW_SECONDS,
    energyRequested: { multiplier: 0, value: energyWh },
    intervalRequested: { duration: WINDOW_SECONDS, start: BigInt(order.window) },
    powerRequested: mean(energyWh),
    RequestStatus: { dateTime: BigInt(order.window), requestStatus: 0 },
  };
};

function responseOf(allocation: Allocation, path: string, now: number): FlowReservationResponse {
  const { window, energyWh, clearedAt, mRID } = allocation;
  const isActive = now >= window;
  return {
    href: `${path}/${mRID}`,
    mRID: mridOf(`response/${mRID}`),
    creationTime: BigInt(clearedAt),
    EventStatus: {
      currentStatus: isActive ? 1 : 0,
      dateTime: BigInt(isActive ? window : clearedAt),
      potentiallySuperseded: false,
    },
    interval: { duration: WINDOW_SECONDS, start: BigInt(window) },
    energyAvailable: { multiplier: 0, value: energyWh },
    powerAvailable: mean(energyWh),
    subject: Uint8Array.from(Buffer.from(mRID, 'hex')),
  };
}
