import { type Static, Type } from 'typebox';
import type { RecordingState } from '../../server/exchange-log.ts';
import { deviceId, deviceOf } from './device-json.ts';
import { type OperatorAnswer, type OperatorParts, type OperatorRoute, reference } from './operation.ts';
import { absent, checked } from './refusals.ts';

/** 256 MiB: a day of a campus. */
const maxBytes = 1 << 28;

const RecordingSchema = Type.Object(
  {
    devices: Type.Optional(
      Type.Array(Type.String(), { minItems: 1, maxItems: 10_000, description: 'Ids; every peer without it' }),
    ),
    maxBytes: Type.Integer({ minimum: 1024, maximum: maxBytes, description: 'Of the file; then the recording ends' }),
  },
  { additionalProperties: false, title: 'Recording' },
);
const RecordingStateSchema = Type.Object(
  {
    state: Type.Union([Type.Literal('off'), Type.Literal('on'), Type.Literal('full')]),
    devices: Type.Optional(Type.Array(Type.String())),
    maxBytes: Type.Optional(Type.Integer()),
    bytes: Type.Optional(Type.Integer({ description: 'Recorded so far' })),
    exchanges: Type.Optional(Type.Integer({ description: 'Recorded so far' })),
  },
  { additionalProperties: false, title: 'RecordingState' },
);

export const exchangeSchemas = { Recording: RecordingSchema, RecordingState: RecordingStateSchema };

const tag = 'exchanges';
const state = { schema: reference('RecordingState') };

export const exchangeRoutes: readonly OperatorRoute[] = [
  {
    method: 'GET',
    path: '/exchanges',
    operation: {
      id: 'getExchanges',
      tag,
      needs: 'read',
      summary: 'The recorded 2030.5 exchanges, one JSON object a line; PINs are replaced',
      answers: { 200: { what: 'The record', schema: { type: 'string' }, mediaType: 'application/x-ndjson' } },
      refusals: [404],
    },
    handle: async ({ parts }): Promise<OperatorAnswer> => {
      const chunks = await parts.exchanges.read();
      if (chunks === undefined)
        throw absent('recorded exchange: none was ever recorded', '/api/v1/exchanges/recording');
      return { status: 200, stream: { mediaType: 'application/x-ndjson; charset=utf-8', chunks } };
    },
  },
  {
    method: 'GET',
    path: '/exchanges/recording',
    operation: {
      id: 'getRecording',
      tag,
      needs: 'read',
      summary: 'Whether exchanges are recorded',
      answers: { 200: { what: 'As it is', ...state } },
    },
    handle: ({ parts }) => ({ status: 200, body: stateJson(parts.exchanges.state, parts) }),
  },
  {
    method: 'PUT',
    path: '/exchanges/recording',
    operation: {
      id: 'startRecording',
      tag,
      needs: 'operate',
      summary: 'Records the exchanges of all or some devices from now on, in the place of the record before',
      body: { schema: reference('Recording'), example: { devices: ['METER_ENG_001'], maxBytes: 10_000_000 } },
      answers: { 200: { what: 'As it is now', ...state } },
      refusals: [413, 422],
    },
    handle: async ({ parts, body }) => {
      const { devices, maxBytes: bytes } = checked(RecordingSchema, body);
      const lfdis = devices?.map((id, i) => deviceOf(parts.registry, id, `/devices/${i}`).lfdi);
      await parts.exchanges.start({ lfdis: lfdis && new Set(lfdis), maxBytes: bytes });
      return { status: 200, body: stateJson(parts.exchanges.state, parts) };
    },
  },
  {
    method: 'DELETE',
    path: '/exchanges/recording',
    operation: {
      id: 'stopRecording',
      tag,
      needs: 'operate',
      summary: 'Ends the recording; what was recorded stays',
      answers: { 204: null },
    },
    handle: async ({ parts }) => {
      await parts.exchanges.stop();
      return { status: 204 };
    },
  },
];

function stateJson(now: RecordingState, { registry }: OperatorParts): Static<typeof RecordingStateSchema> {
  if (now.at === 'off') return { state: 'off' };
  const { recording, bytes, exchanges } = now;
  const devices = [...(recording.lfdis ?? [])].map((lfdi) => {
    const device = registry.byLfdi(lfdi);
    return device === undefined ? lfdi : deviceId(device);
  });
  const whose = recording.lfdis === undefined ? {} : { devices };
  return { state: now.at, ...whose, maxBytes: recording.maxBytes, bytes, exchanges };
}
