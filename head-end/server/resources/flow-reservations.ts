import { GridError } from '#hal/errors.ts';
import { activePower } from '#ieee2030_5/active-power.ts';
import { RequestStatusCode } from '#ieee2030_5/enumerations.ts';
import { formatMrid, mridOf } from '#ieee2030_5/identity.ts';
import type { FlowReservationRequest, FlowReservationResponse } from '#ieee2030_5/types.generated.ts';
import { WINDOW_SECONDS } from '#ieee2030_5/ext/windows.ts';
import type { Allocation, ReservationTerms } from '../../market/desk.ts';
import type { Order } from '../../market/orders.ts';
import type { Device } from '../../registry/devices.ts';
import { type Context, created, documentOf, done, forbidden, notFound, replaced } from '../exchange.ts';
import type { SepServices } from '../services.ts';
import type { Entry, Source } from '../source.ts';

/** FlowReservationRequest and -Response (IEEE 2030.5-2018 §10.9): the door of the market. */
export function flowReservationSources({ clock, desk, registry }: SepServices) {
  /** Who trades has a building and a zone; others have no reservations. */
  const traderOf = ({ ids }: Context): Device | undefined => {
    const device = registry.byId(Number(ids[0]));
    return device?.zone === undefined ? undefined : device;
  };
  const isLinked = (context: Context): boolean => traderOf(context) !== undefined;
  const requestCount = (context: Context): number => {
    const meterId = traderOf(context)?.meterId;
    return meterId === undefined ? 0 : desk.openOrdersOf(meterId).length;
  };
  const responseCount = (context: Context): number => {
    const meterId = traderOf(context)?.meterId;
    return meterId === undefined ? 0 : desk.allocationsOf(meterId).length;
  };
  const requestsOf = (context: Context, list: string): readonly Entry[] => {
    const meterId = traderOf(context)?.meterId;
    return meterId === undefined ? [] : desk.openOrdersOf(meterId).map((order) => requestOf(order, list));
  };
  const responsesOf = (context: Context, list: string): readonly Entry[] => {
    const meterId = traderOf(context)?.meterId;
    if (meterId === undefined) return [];
    return desk.allocationsOf(meterId).map((allocation) => responseOf(allocation, list, clock.now()));
  };

  return {
    FlowReservationRequestList: {
      isLinked,
      count: requestCount,
      entries: (context) => requestsOf(context, context.href),
      post: async (request) => {
        const trader = traderOf(request);
        if (trader === undefined) return forbidden;
        const terms = reservationTerms(documentOf(request, 'FlowReservationRequest').value);
        await desk.request(trader.meterId, terms);
        return created(`${request.href}/${terms.mRID}`);
      },
    },
    FlowReservationRequest: {
      read: (context) => ownOf(context, requestsOf),
      put: async (request) => {
        const { value } = documentOf(request, 'FlowReservationRequest');
        const [trader, terms] = [traderOf(request), reservationTerms(value)];
        if (trader === undefined || terms.mRID !== request.ids[1]) return notFound;
        if (value.RequestStatus.requestStatus === RequestStatusCode.cancelled) {
          return (await desk.withdraw(trader.meterId, terms.mRID)) ? replaced(request.href) : notFound;
        }
        await desk.request(trader.meterId, terms);
        return replaced(request.href);
      },
      remove: async (request) => {
        const trader = traderOf(request);
        return trader !== undefined && (await desk.withdraw(trader.meterId, request.ids[1] ?? '')) ? done : notFound;
      },
    },
    FlowReservationResponseList: {
      isLinked,
      count: responseCount,
      entries: (context) => responsesOf(context, context.href),
    },
    FlowReservationResponse: { read: (context) => ownOf(context, responsesOf) },
  } satisfies Readonly<Record<string, Source>>;
}

/** The entry of the context's path among those of its list. */
function ownOf(context: Context, entries: (context: Context, list: string) => readonly Entry[]): Entry | undefined {
  const list = context.href.slice(0, context.href.lastIndexOf('/'));
  return entries(context, list).find(({ href }) => href === context.href);
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

const requestOf = (order: Order, list: string): Entry => {
  const energyWh = order.side === 'buy' ? order.energyWh : 0 - order.energyWh;
  const document: FlowReservationRequest = {
    mRID: new Uint8Array(Buffer.from(order.mRID, 'hex')),
    creationTime: BigInt(order.window),
    durationRequested: WINDOW_SECONDS,
    energyRequested: { multiplier: 0, value: energyWh },
    intervalRequested: { duration: WINDOW_SECONDS, start: BigInt(order.window) },
    powerRequested: mean(energyWh),
    RequestStatus: { dateTime: BigInt(order.window), requestStatus: RequestStatusCode.requested },
  };
  return { href: `${list}/${order.mRID}`, name: 'FlowReservationRequest', document };
};

function responseOf(allocation: Allocation, list: string, now: number): Entry {
  const { window, energyWh, clearedAt, mRID } = allocation;
  const isActive = now >= window;
  const document: FlowReservationResponse = {
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
    subject: new Uint8Array(Buffer.from(mRID, 'hex')),
  };
  return { href: `${list}/${mRID}`, name: 'FlowReservationResponse', document };
}
