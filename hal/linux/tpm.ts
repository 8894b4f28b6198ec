import { type FileHandle, open } from 'node:fs/promises';
import { reasonOf, systemCode } from '../errors.ts';
import type { TpmChannel, TpmPort } from '../key-store.ts';
import { largestResponse, malformed, statedSize, unanswered, unreachable } from '../tpm-response.ts';

const hints: Readonly<Record<string, string>> = {
  ENOENT: 'Is the TPM wired and its overlay on (`dtoverlay=tpm-slb9670`)? `dmesg | grep -i tpm` tells what was found.',
  EACCES: "Let the program's user into the group `tss`: `usermod -aG tss USER`.",
  EBUSY: 'Use /dev/tpmrm0, which several programs share; /dev/tpm0 serves one.',
};

/**
 * A TPM chip behind the kernel's resource manager, which gives every opener object slots of its own and flushes them
 * when it goes. There is no time limit: the kernel has its own (two minutes for the making of a key).
 */
export class TpmDevice implements TpmPort {
  readonly name: string;
  readonly #path: string;

  constructor(path = '/dev/tpmrm0') {
    this.name = `tpm ${path}`;
    this.#path = path;
  }

  async open(): Promise<TpmChannel> {
    try {
      return new DeviceChannel(this.name, await open(this.#path, 'r+'));
    } catch (error) {
      throw unreachable(this.name, reasonOf(error), hints[systemCode(error) ?? ''] ?? 'Check the device file.', error);
    }
  }
}

class DeviceChannel implements TpmChannel {
  readonly #name: string;
  readonly #file: FileHandle;

  constructor(name: string, file: FileHandle) {
    this.#name = name;
    this.#file = file;
  }

  async transact(command: Uint8Array): Promise<Uint8Array> {
    const response = new Uint8Array(largestResponse);
    let length: number;
    try {
      // The driver wants a command in one write and gives its response in one read.
      await this.#file.write(command, 0, command.length, null);
      length = (await this.#file.read(response, 0, response.length, null)).bytesRead;
    } catch (error) {
      throw unanswered(this.#name, reasonOf(error), error);
    }
    const whole = response.subarray(0, length);
    if (statedSize(whole) !== length) throw malformed(`a response of ${length} octets claims another size`);
    return whole;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}
