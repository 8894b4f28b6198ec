/* Reads vectors as a program of libmodbus's users would: "tcp PORT" or "rtu PATH", then lines "unit fn at type". */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  modbus_t *ctx = strcmp(argv[1], "tcp") == 0 ? modbus_new_tcp("127.0.0.1", atoi(argv[2]))
                                              : modbus_new_rtu(argv[2], 9600, 'N', 8, 1);
  if (ctx == NULL || modbus_connect(ctx) == -1) return 3;
  modbus_set_response_timeout(ctx, 2, 0);
  int unit, fn, at;
  char type[8];
  while (scanf("%d %d %d %7s", &unit, &fn, &at, type) == 4) {
    uint16_t r[2] = {0, 0};
    int count = strcmp(type, "u16") == 0 || strcmp(type, "i16") == 0 ? 1 : 2;
    modbus_set_slave(ctx, unit);
    int got = fn == 4 ? modbus_read_input_registers(ctx, at, count, r) : modbus_read_registers(ctx, at, count, r);
    if (got != count) printf("error %s\n", modbus_strerror(errno));
    else if (strcmp(type, "f32") == 0) printf("%.9g\n", modbus_get_float_abcd(r));
    else if (strcmp(type, "i32") == 0) printf("%d\n", MODBUS_GET_INT32_FROM_INT16(r, 0));
    else if (strcmp(type, "u32") == 0) printf("%u\n", (uint32_t)MODBUS_GET_INT32_FROM_INT16(r, 0));
    else if (strcmp(type, "i32s") == 0) printf("%d\n", (int32_t)(((uint32_t)r[1] << 16) | r[0]));
    else if (strcmp(type, "i16") == 0) printf("%d\n", (int16_t)r[0]);
    else printf("%u\n", r[0]);
    fflush(stdout);
  }
  modbus_close(ctx);
  modbus_free(ctx);
  return 0;
}
