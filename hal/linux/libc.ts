import { GridError } from '../errors.ts';

/** The C library's calls that Node has no function for. Buffers are read and written in place. */
export interface Libc {
  /** `ioctl(2)`; the argument is the address of `structure`, whose pointers are filled in before. */
  ioctl(fd: number, request: number, structure: Buffer, pointers?: readonly Pointer[]): void;
  /** Sets `O_NONBLOCK`, so that a read that has nothing fails with `EAGAIN`. */
  setNonBlocking(fd: number): void;
  /** Sends one datagram to a UNIX socket; a name that begins with `@` is an abstract one. */
  sendDatagram(path: string, data: Buffer): void;
}

/** A field of a structure, of eight bytes at `at`, that points to another; that may have pointers of its own. */
export interface Pointer {
  readonly at: number;
  readonly to: Buffer;
  readonly pointers?: readonly Pointer[];
}

/** A call that failed, with its number's name as `code`, as Node's own system errors have it. */
class SystemCallError extends Error {
  readonly code: string;

  constructor(call: string, code: string) {
    super(`${code}: ${call}`);
    this.name = 'SystemCallError';
    this.code = code;
  }
}

/** asm-generic/fcntl.h and bits/socket.h, the same on x86-64 and arm64. */
const [fGetFl, fSetFl, oNonBlock] = [3, 4, 0o4000];
const [afUnix, sockDgram, sockCloexec] = [1, 2, 0o2000000];
/** `sun_path` of sockaddr_un (sys/un.h). */
const sunPathBytes = 108;

/** What calls under way point to: what only the kernel will look at must not be collected before it does. */
const pointedTo = new Set<readonly Pointer[]>();
let loaded: Promise<Libc> | undefined;

/**
 * The C library of this process. Loaded at the first call only: most programs need none of it.
 * Rejects with `GTX-HAL-003` where it cannot be had.
 */
export const libc = (): Promise<Libc> => (loaded ??= load());

async function load(): Promise<Libc> {
  if (process.platform !== 'linux') {
    throw new GridError('GTX-HAL-003', `SPI, I2C, GPIO and watchdog need Linux, this is ${process.platform}`, {
      hint: 'Use emulated devices on this machine.',
    });
  }
  const { default: koffi } = await import('koffi');
  const own = koffi.load(null);
  const ioctl = own.func('int ioctl(int fd, unsigned long request, void *argument)');
  const fcntl = own.func('int fcntl(int fd, int command, long argument)');
  const socket = own.func('int socket(int domain, int type, int protocol)');
  const sendto = own.func('long sendto(int fd, void *data, size_t length, int flags, void *address, uint32_t size)');
  const close = own.func('int close(int fd)');
  const names = new Map(Object.entries(koffi.os.errno).map(([name, number]) => [number, name]));

  const checked = (call: string, result: number): number => {
    if (result >= 0) return result;
    const number = koffi.errno();
    throw new SystemCallError(call, names.get(number) ?? `errno ${number}`);
  };
  return {
    ioctl: (fd, request, structure, pointers = []) => {
      pointedTo.add(pointers);
      point(structure, pointers, koffi.address);
      try {
        checked(`ioctl 0x${request.toString(16)}`, ioctl(fd, request, structure) as number);
      } finally {
        pointedTo.delete(pointers);
      }
    },
    setNonBlocking: (fd) => {
      const flags = checked('fcntl F_GETFL', fcntl(fd, fGetFl, 0) as number);
      checked('fcntl F_SETFL', fcntl(fd, fSetFl, flags | oNonBlock) as number);
    },
    sendDatagram: (path, data) => {
      const address = unixAddress(path);
      const fd = checked('socket', socket(afUnix, sockDgram | sockCloexec, 0) as number);
      try {
        checked(`sendto ${path}`, Number(sendto(fd, data, data.length, 0, address, address.length)));
      } finally {
        close(fd);
      }
    },
  };
}

function point(structure: Buffer, pointers: readonly Pointer[], addressOf: (buffer: Buffer) => bigint): void {
  for (const { at, to, pointers: inner = [] } of pointers) {
    point(to, inner, addressOf);
    structure.writeBigUInt64LE(addressOf(to), at);
  }
}

/** A sockaddr_un (sys/un.h, unix(7)). */
function unixAddress(path: string): Buffer {
  const name = Buffer.from(path);
  const isAbstract = path.startsWith('@');
  if (name.length + (isAbstract ? 0 : 1) > sunPathBytes) throw new SystemCallError(`socket ${path}`, 'ENAMETOOLONG');
  // The length of an abstract name is the address's; that of a path ends with a zero.
  const address = Buffer.alloc(2 + name.length + (isAbstract ? 0 : 1));
  address.writeUInt16LE(afUnix, 0);
  name.copy(address, 2);
  if (isAbstract) address[2] = 0;
  return address;
}
