import type { AccessRoute } from './access-route.ts';
import { accountRoutes } from './account-routes.ts';
import { administrationRoutes } from './administration-routes.ts';
import { signInRoutes } from './sign-in-routes.ts';

/** All that concerns who may use REST and the page. */
export const accessRoutes: readonly AccessRoute[] = [...signInRoutes, ...accountRoutes, ...administrationRoutes];
