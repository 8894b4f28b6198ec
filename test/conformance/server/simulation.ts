import type { Parameters } from '../procedure.ts';
import { insertReadings, upsertMirror } from './mirror-actions.ts';
import { respondToControls } from './response-actions.ts';
import type { ResourceName } from './resource-tree.ts';
import type { VirtualClient } from './virtual-client.ts';

/** What a client polls in daily use. */
const polled: readonly ResourceName[] = ['EndDevice', 'DERControl', 'DefaultDERControl'];
const mup_id = 'simulated';

/** What a client takes where the server does not ask for a rate, seconds. */
const usualPollRate = 300;

/**
 * Lives a client's life for a while: every so often it posts readings and responds to controls, and polls at the rate
 * that the server asks for.
 */
export async function simulate(client: VirtualClient, parameters: Parameters): Promise<void> {
  await upsertMirror(client, { mup_id, location: 'Site', reading_types: ['ActivePowerAverage'] });
  let pollAt = client.stand.now();
  for (let round = 0; round < Number(parameters['total_simulations']); round++) {
    await client.stand.advance(Number(parameters['frequency_seconds']));
    if (client.stand.now() >= pollAt) {
      await client.context.discover(client.raw, polled);
      const { pollRate } = client.context.one('EndDeviceList').element.attributes;
      pollAt = client.stand.now() + Number(pollRate ?? usualPollRate);
    }
    await insertReadings(client, { mup_id, values: { ActivePowerAverage: [1000 + (round % 500)] } });
    await respondToControls(client);
  }
}
