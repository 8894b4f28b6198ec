import { networkInterfaces } from 'node:os';

/**
 * `::%eth0`: the interface on which to multicast by IPv6, as sockets of Node take it. The first that leads out of this
 * machine, else its loopback; `undefined` where nothing has an IPv6 address.
 */
export function ipv6Interface(): string | undefined {
  const named = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.filter(({ family }) => family === 'IPv6').map(({ internal }) => ({ name, internal })),
  );
  const found = named.find(({ internal }) => !internal) ?? named[0];
  return found && `::%${found.name}`;
}
