import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { GridError, reasonOf } from '#hal/errors.ts';
import { laneFolders } from '#edge/fleet/lane-stores.ts';
import { statusSocketName } from '#edge/status-socket.ts';

/** Where a campus on this machine keeps its things unless told. */
export const defaultFolder = 'data/campus';

/**
 * Asks the boards that run on this machine; `folder` is the data folder of their campus, or of one board. Rejects with
 * `GTX-ASK-004` where no boards run there, and `GTX-ASK-005` where none of them has an answer.
 */
export async function askBoard(folder: string, path: string): Promise<unknown> {
  const places = [...laneFolders(join(folder, 'boards')), folder].map((place) => join(place, statusSocketName));
  const sockets = places.filter((place) => existsSync(place));
  if (sockets.length === 0) throw notThere(folder, 'there is no status socket');
  for (const socketPath of sockets) {
    const { status, body } = await get(socketPath, path).catch((error: unknown) => {
      throw notThere(folder, reasonOf(error));
    });
    if (status === 200) return body;
  }
  throw new GridError('GTX-ASK-005', `No board in ${folder} answers to ${path}`, {
    kind: 'input',
    hint: 'Give the meter id of a board that runs here, as the board file has it.',
  });
}

const notThere = (folder: string, reason: string): GridError =>
  new GridError('GTX-ASK-004', `No boards answer in ${folder}: ${reason}`, {
    hint: 'Start the campus, or give its data folder: --board FOLDER. Only the user who runs it may ask.',
  });

async function get(socketPath: string, path: string): Promise<{ status: number | undefined; body: unknown }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; body: unknown }>();
  request({ socketPath, path }, (response) => {
    json(response).then((body) => resolve({ status: response.statusCode, body }), reject);
  })
    .on('error', reject)
    .end();
  return promise;
}
