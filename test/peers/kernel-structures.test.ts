import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { debianPackage } from '../debian-packages.ts';
import { gpioV2 } from '#hal/linux/gpio.ts';
import { i2cdev } from '#hal/linux/i2c.ts';
import { spidev } from '#hal/linux/spi.ts';

/** A value of ours, and what the C compiler makes of the kernel's own headers. */
const pairs: readonly (readonly [ours: number | bigint, c: string])[] = [
  [spidev.SPI_IOC_WR_MODE, 'SPI_IOC_WR_MODE'],
  [spidev.SPI_IOC_WR_BITS_PER_WORD, 'SPI_IOC_WR_BITS_PER_WORD'],
  [spidev.SPI_IOC_WR_MAX_SPEED_HZ, 'SPI_IOC_WR_MAX_SPEED_HZ'],
  [spidev.SPI_IOC_MESSAGE_1, 'SPI_IOC_MESSAGE(1)'],
  ...layout('spi_ioc_transfer', spidev.transfer),
  [i2cdev.I2C_RDWR, 'I2C_RDWR'],
  [i2cdev.I2C_M_RD, 'I2C_M_RD'],
  ...layout('i2c_msg', i2cdev.message),
  ...layout('i2c_rdwr_ioctl_data', i2cdev.transaction),
  [gpioV2.GPIO_V2_GET_LINE_IOCTL, 'GPIO_V2_GET_LINE_IOCTL'],
  [gpioV2.GPIO_V2_LINE_GET_VALUES_IOCTL, 'GPIO_V2_LINE_GET_VALUES_IOCTL'],
  [gpioV2.GPIO_V2_LINE_SET_VALUES_IOCTL, 'GPIO_V2_LINE_SET_VALUES_IOCTL'],
  [gpioV2.GPIO_V2_LINE_FLAG_ACTIVE_LOW, 'GPIO_V2_LINE_FLAG_ACTIVE_LOW'],
  [gpioV2.GPIO_V2_LINE_FLAG_INPUT, 'GPIO_V2_LINE_FLAG_INPUT'],
  [gpioV2.GPIO_V2_LINE_FLAG_OUTPUT, 'GPIO_V2_LINE_FLAG_OUTPUT'],
  [gpioV2.GPIO_V2_LINE_FLAG_EDGE_RISING, 'GPIO_V2_LINE_FLAG_EDGE_RISING'],
  [gpioV2.GPIO_V2_LINE_FLAG_EDGE_FALLING, 'GPIO_V2_LINE_FLAG_EDGE_FALLING'],
  [gpioV2.GPIO_V2_LINE_FLAG_BIAS_PULL_UP, 'GPIO_V2_LINE_FLAG_BIAS_PULL_UP'],
  [gpioV2.GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN, 'GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN'],
  [gpioV2.GPIO_V2_LINE_ATTR_ID_DEBOUNCE, 'GPIO_V2_LINE_ATTR_ID_DEBOUNCE'],
  [gpioV2.GPIO_V2_LINE_EVENT_RISING_EDGE, 'GPIO_V2_LINE_EVENT_RISING_EDGE'],
  ...layout('gpio_v2_line_request', gpioV2.request, {
    flags: 'config.flags',
    num_attrs: 'config.num_attrs',
    attrs: 'config.attrs',
  }),
  ...layout('gpio_v2_line_config_attribute', gpioV2.attribute, {
    id: 'attr.id',
    debounce_period_us: 'attr.debounce_period_us',
  }),
  ...layout('gpio_v2_line_values', gpioV2.values),
  ...layout('gpio_v2_line_event', gpioV2.event),
];

function layout(
  struct: string,
  { bytes, ...fields }: { readonly bytes: number } & Readonly<Record<string, number>>,
  paths: Readonly<Record<string, string>> = {},
): (readonly [number, string])[] {
  const offsets = Object.entries(fields).map(
    ([field, offset]) => [offset, `offsetof(struct ${struct}, ${paths[field] ?? field})`] as const,
  );
  return [[bytes, `sizeof(struct ${struct})`], ...offsets];
}

test('requests, flags and structures are those of the kernel’s headers', (t) => {
  if (!debianPackage(t, 'gcc')) return;
  const folder = mkdtempSync(join(tmpdir(), 'gtx-kernel-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = `
    #include <stddef.h>
    #include <stdio.h>
    #include <linux/gpio.h>
    #include <linux/i2c.h>
    #include <linux/i2c-dev.h>
    #include <linux/spi/spidev.h>
    int main(void) { ${pairs.map(([, c]) => `printf("%llu\\n", (unsigned long long)(${c}));`).join('\n')} }`;
  writeFileSync(join(folder, 'layout.c'), program);
  execFileSync('gcc', ['-o', join(folder, 'layout'), join(folder, 'layout.c')]);
  const told = execFileSync(join(folder, 'layout'), { encoding: 'utf8' }).trim().split('\n');
  assert.deepEqual(
    pairs.map(([ours, c]) => `${c} ${ours}`),
    pairs.map(([, c], i) => `${c} ${told[i]}`),
  );
});
