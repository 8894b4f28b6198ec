import type { ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import type { TSchema } from 'typebox';
import { GridError } from '#hal/errors.ts';
import type { Principal } from '../access/principal.ts';
import { grantOf } from '../access/roles.ts';
import type { EventSink, EventStream } from './event-stream.ts';
import type { History } from './history.ts';
import type { Operation } from './operator/operation.ts';
import {
  type CampusSnapshot,
  CampusSnapshotSchema,
  HealthSchema,
  HistorySchema,
  MeterParamsSchema,
  MeterSchema,
  MetersSchema,
  SettlementsSchema,
  type SnapshotSource,
  WindowsSchema,
} from './snapshot.ts';

export interface RouteParts {
  readonly source: SnapshotSource;
  readonly events: EventStream;
  /** What someone is now; undefined once that has ended. */
  readonly current: (by: Principal) => Principal | undefined;
  readonly history: History;
}

/** What the page shows, below `/api/v1`: reading only, present state only. */
export function addRoutes(instance: FastifyInstance, { source, events, history, current }: RouteParts): void {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  app.addHook('onRequest', async (_request, reply) => {
    void reply.header('cache-control', 'no-store');
  });

  app.get(
    '/snapshot',
    {
      schema: { response: { 200: CampusSnapshotSchema } },
      ...campus('getSnapshot', 'Everything that the page shows', CampusSnapshotSchema),
    },
    async ({ by }) => seenBy(by, source.current()),
  );

  app.get(
    '/meters',
    { schema: { response: { 200: MetersSchema } }, ...campus('listMeters', 'Every meter', MetersSchema) },
    async ({ by }) => {
      const { time, meters } = seenBy(by, source.current());
      return { time, meters };
    },
  );

  const meterSchema = { params: MeterParamsSchema, response: { 200: MeterSchema } };
  app.get(
    '/meters/:meterId',
    { schema: meterSchema, ...campus('getMeter', 'One meter', MeterSchema, [404]) },
    async ({ params }) => {
      const meter = source.current().meters.find(({ meterId }) => meterId === params.meterId);
      if (meter !== undefined) return meter;
      const hint = '/api/v1/meters lists the meters.';
      throw new GridError('GTX-GTW-005', `No meter ${params.meterId}`, { hint });
    },
  );

  app.get(
    '/windows',
    {
      schema: { response: { 200: WindowsSchema } },
      ...campus('listWindows', 'The newest market windows', WindowsSchema),
    },
    async () => {
      const { time, windows } = source.current();
      return { time, windows };
    },
  );

  app.get(
    '/settlements',
    {
      schema: { response: { 200: SettlementsSchema } },
      ...campus('listSettlements', 'The newest settlements', SettlementsSchema),
    },
    async () => {
      const { time, settlements } = source.current();
      return { time, settlements };
    },
  );

  app.get(
    '/history',
    {
      schema: { response: { 200: HistorySchema } },
      ...campus('getHistory', 'The power curve of the last 24 h', HistorySchema),
    },
    async () => ({
      stepSeconds: history.stepSeconds,
      points: history.points,
    }),
  );

  const described = campus('getHealth', 'Whether all is well; 503 while the database is away', HealthSchema);
  app.get(
    '/health',
    { schema: { response: { 200: HealthSchema, 503: HealthSchema } }, ...described },
    async (_request, reply) => {
      const { health } = source.current();
      if (health.database !== 'ok') void reply.code(503);
      return health;
    },
  );

  // A HEAD request would hold a stream that nobody reads.
  app.get('/events', { exposeHeadRoute: false, config: { operation: eventsOperation } }, async ({ by }, reply) => {
    if (!events.hasRoom) {
      void reply.header('retry-after', '5');
      const hint = 'Close a page that shows this campus.';
      throw new GridError('GTX-GTW-007', 'Too many listeners', { hint });
    }
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) reply.raw.setHeader(name, value);
    }
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    events.add(sinkOf(reply.raw), by && ((all) => viewOf(by, { all, source, current })));
  });
}

/** What an owner sees: the campus as a whole, and of the meters one's own. */
const seenBy = (by: Principal | undefined, snapshot: CampusSnapshot): CampusSnapshot =>
  by === undefined || grantOf('watch', by.role) === 'all'
    ? snapshot
    : { ...snapshot, meters: snapshot.meters.filter(({ meterId }) => by.meters.includes(meterId)) };

/** The next snapshot of someone's stream; undefined ends it, when the session has ended or the role may not watch. */
function viewOf(
  by: Principal,
  { all, source, current }: Pick<RouteParts, 'source' | 'current'> & { readonly all: () => string },
): string | undefined {
  const now = current(by);
  const grant = now && grantOf('watch', now.role);
  if (grant === undefined) return undefined;
  return grant === 'all' ? all() : JSON.stringify(seenBy(now, source.current()));
}

const campus = (
  id: string,
  summary: string,
  schema: TSchema,
  refusals: readonly number[] = [],
): { config: { operation: Operation } } => ({
  config: {
    operation: {
      id,
      tag: 'campus',
      needs: 'watch',
      summary,
      answers: { 200: { what: 'As it is now', schema } },
      refusals,
    },
  },
});

const eventsOperation: Operation = {
  id: 'streamSnapshots',
  tag: 'campus',
  needs: 'watch',
  summary: 'The snapshot, now and after each change, as server-sent events of the kind `snapshot`',
  answers: { 200: { what: 'The stream', schema: { type: 'string' }, mediaType: 'text/event-stream' } },
};

/** A response as an end of the event stream. */
function sinkOf(response: ServerResponse): EventSink {
  return {
    write: (text) => response.write(text),
    end: () => {
      response.end();
      response.socket?.destroySoon();
    },
    destroy: () => response.destroy(),
    onDrain: (listener) => void response.on('drain', listener),
    onClose: (listener) => void response.on('close', listener),
  };
}
