"""Reads vectors with pymodbus: "PORT" as argument, a JSON list of [unit, fn, at, type] on stdin, a JSON list out."""
import json
import sys

from pymodbus.client import ModbusTcpClient
from pymodbus.constants import Endian
from pymodbus.payload import BinaryPayloadDecoder

ORDER = {"i32s": Endian.Little}
READ = {
    "u16": "decode_16bit_uint",
    "i16": "decode_16bit_int",
    "u32": "decode_32bit_uint",
    "i32": "decode_32bit_int",
    "i32s": "decode_32bit_int",
    "f32": "decode_32bit_float",
}

client = ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]))
client.connect()
values = []
for unit, fn, at, kind in json.load(sys.stdin):
    read = client.read_input_registers if fn == 4 else client.read_holding_registers
    answer = read(at, 1 if kind.endswith("16") else 2, slave=unit)
    if answer.isError():
        values.append(str(answer))
        continue
    decoder = BinaryPayloadDecoder.fromRegisters(
        answer.registers, byteorder=Endian.Big, wordorder=ORDER.get(kind, Endian.Big)
    )
    values.append(getattr(decoder, READ[kind])())
client.close()
print(json.dumps(values))
