import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Protocol } from '#hal/calls.ts';
import { ChildLink } from '#hal/process-link.ts';

/** A program in a process of its own, which ends with `resources`. @param url of its module */
export function forked<P extends Protocol<P>>(
  resources: AsyncDisposableStack,
  name: string,
  url: string,
): ChildLink<P> {
  const child = fork(fileURLToPath(url), { serialization: 'advanced' });
  const link = new ChildLink<P>(name, child, () => undefined);
  resources.defer(async () => {
    if (child.connected) child.disconnect();
    await link.ended;
  });
  return link;
}
