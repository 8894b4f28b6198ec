import { Readable } from 'node:stream';
import type { OperatorRoute } from './operation.ts';

const mediaType = 'text/plain; version=0.0.4; charset=utf-8';

/** What a monitoring system reads; rules for its alerts are in head-end/monitoring. */
export const metricsRoutes: readonly OperatorRoute[] = [
  {
    method: 'GET',
    path: '/metrics',
    operation: {
      id: 'getMetrics',
      tag: 'monitoring',
      needs: 'read',
      summary: 'When the certificates in force end, in the text format of Prometheus',
      answers: { 200: { what: 'The metrics', schema: { type: 'string' }, mediaType } },
    },
    handle: async ({ parts }) => ({
      status: 200,
      stream: { mediaType, chunks: Readable.from([await parts.expiry.metrics()]) },
    }),
  },
];
