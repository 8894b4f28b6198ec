import type { DeviceIdentity } from '#provisioning/identity-files.ts';

/** What the test gives its child on stdin. */
export interface ResponseChildOrder {
  readonly identity: DeviceIdentity;
  readonly origin: string;
  readonly path: string;
  readonly from: number;
  readonly until: number;
}

/** An alarm comes and goes this often, seconds: not in step with the events. */
export const alarmSeconds = 7;
