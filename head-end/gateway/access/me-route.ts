import type { FastifyInstance } from 'fastify';
import { takesPasskeys } from '../../access/passkeys.ts';
import type { Operation } from '../operator/operation.ts';
import { reference } from '../operator/operation.ts';
import type { AccessRequest } from './access-route.ts';
import type { Me } from './schemas.ts';

const operation: Operation = {
  id: 'getMe',
  tag: 'access',
  needs: 'open',
  summary: 'Who is signed in in this browser',
  answers: { 200: { what: 'As it is', schema: reference('Me') } },
};

export function meOf({ by, isWatchOpen, site }: Pick<AccessRequest, 'by' | 'isWatchOpen' | 'site'>): Me {
  const who = by === undefined ? null : { name: by.name, role: by.role, meters: [...by.meters] };
  return { who, dashboard: isWatchOpen ? 'open' : 'closed', takesPasskeys: takesPasskeys(site) };
}

/** Adds the route that every page asks first: it answers also while the head-end starts and knows nobody. */
export function addMe(app: FastifyInstance, isWatchOpen: boolean): void {
  app.get('/access/me', { exposeHeadRoute: false, config: { operation } }, async ({ by, site }) =>
    meOf({ by, isWatchOpen, site }),
  );
}
