import assert from 'node:assert/strict';
import type { ServerProcedure, ServerStep } from '../procedure.ts';
import { procedures } from '../procedures.generated.ts';
import type { ConformanceTest } from '../table.ts';
import { act } from './actions.ts';
import { check } from './checks.ts';
import { resolveAll } from '../expressions.ts';
import { expectRefusal } from './raw-client.ts';
import { variablesOf } from './parameters.ts';
import { Preparation } from './preparation.ts';
import type { ServerStand } from './stand.ts';
import { setMaxW, VirtualClient } from './virtual-client.ts';
import { documentText } from './xml.ts';

/** How often a step that may be repeated is tried, and how much time passes in between, seconds. */
const tries = 30;
const betweenTries = 15;

interface Part {
  readonly client: VirtualClient;
  readonly preparation: Preparation;
}

/** Runs a procedure: the operator prepares, the client acts, the checks are made, step by step. */
export async function runProcedure(stand: ServerStand, procedure: ServerProcedure): Promise<void> {
  await using clients = new AsyncDisposableStack();
  const parts = new Map<string, Part>();
  for (const { id, client_type: kind } of procedure.clients) {
    const client = clients.use(await VirtualClient.make(stand, kind ?? 'device'));
    const preparation = new Preparation(client);
    await preparation.start();
    parts.set(id, { client, preparation });
  }
  const partOf = (id: string | undefined): Part => {
    const part = id === undefined ? [...parts.values()][0] : parts.get(id);
    assert.ok(part !== undefined, `no client ${id}`);
    return part;
  };
  for (const step of procedure.steps) {
    try {
      for (const instruction of step.admin_instructions ?? []) {
        await partOf(instruction.client ?? step.client).preparation.follow(instruction);
      }
      await runStep(step, partOf(step.client), partOf(step.use_client_context ?? step.client));
    } catch (error) {
      throw new Error(`step ${step.id}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
}

async function runStep(step: ServerStep, part: Part, context: Part): Promise<void> {
  const { client, preparation } = part;
  const variables = variablesOf({ setMaxW });
  for (let left = step.repeat_until_pass === true ? tries : 1; ; left--) {
    try {
      await act({ client, context: context.client }, step.action, resolveAll(step.action.parameters, variables));
      for (const wanted of step.checks ?? []) {
        const checked = { client, annotations: preparation.annotations };
        check(checked, wanted, resolveAll(wanted.parameters, variables));
      }
      return;
    } catch (error) {
      if (left <= 1 || !(error instanceof assert.AssertionError)) throw error;
      await client.stand.advance(betweenTries);
    }
  }
}

/** Where a server takes no registrations in band, a certificate that it does not know learns nothing. */
async function rejectsInBand(stand: ServerStand): Promise<void> {
  await using client = await VirtualClient.make(stand, 'device');
  await stand.operator.done('PATCH', '/settings', { inBandRegistration: false });
  try {
    const content = { lFDI: client.lfdi, sFDI: client.sfdi, changedTime: stand.now() };
    expectRefusal(await client.raw.ask('POST', '/edev', { body: documentText('EndDevice', content) }));
    expectRefusal(await client.raw.ask('GET', '/edev'));
  } finally {
    await stand.operator.done('PATCH', '/settings', { inBandRegistration: true });
  }
}

/** What a procedure's title asks for and its steps leave out. */
const beyond: Readonly<Record<string, (stand: ServerStand) => Promise<void>>> = { 'S-OPT-01': rejectsInBand };

export const csipAusTests: readonly ConformanceTest<ServerStand>[] = Object.entries(procedures.server).map(
  ([id, procedure]) => ({
    list: 'CSIP-AUS',
    id,
    title: procedure.title,
    run: async (stand) => {
      await runProcedure(stand, procedure);
      await beyond[id]?.(stand);
    },
  }),
);
