"""A SunSpec device by pymodbus, laid out from the SunSpec Alliance's model files.

Arguments: the port and the folder of the models; on stdin {unit: {model: {point: raw value or text}}}, models in order.
"""
import asyncio
import json
import struct
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncTcpServer

ABSENT = {
    "int16": 0x8000, "sunssf": 0x8000, "uint16": 0xFFFF, "enum16": 0xFFFF, "bitfield16": 0xFFFF, "count": 0xFFFF,
    "pad": 0x8000, "int32": 0x80000000, "uint32": 0xFFFFFFFF, "bitfield32": 0xFFFFFFFF, "acc32": 0, "float32": 0x7FC00000,
    "uint64": 0xFFFFFFFFFFFFFFFF, "acc64": 0,
}


def point_registers(point, values):
    size = point["size"]
    value = values.get(point["name"])
    if point["type"] == "string":
        raw = (value or "").encode().ljust(2 * size, b"\0")
    else:
        number = ABSENT[point["type"]] if value is None else value
        raw = (number & ((1 << (16 * size)) - 1)).to_bytes(2 * size, "big")
    return list(struct.unpack(">%dH" % size, raw))


def points_of(group):
    """The points in order; groups come once, as those of a model without repetitions do."""
    return group["points"] + [point for inner in group.get("groups", []) for point in points_of(inner)]


def model_registers(folder, model, values):
    with open("%s/model_%s.json" % (folder, model)) as file:
        points = points_of(json.load(file)["group"])
    length = sum(point["size"] for point in points) - 2
    registers = []
    for point in points:
        registers += point_registers(point, {"ID": int(model), "L": length, **values})
    return registers


def device(folder, models):
    registers = [0x5375, 0x6E53]
    for model, values in models.items():
        registers += model_registers(folder, model, values)
    return ModbusSlaveContext(hr=ModbusSequentialDataBlock(40001, registers + [0xFFFF, 0]))


async def main():
    port, folder = int(sys.argv[1]), sys.argv[2]
    units = {int(unit): device(folder, models) for unit, models in json.load(sys.stdin).items()}
    context = ModbusServerContext(slaves=units, single=False)
    await StartAsyncTcpServer(context=context, address=("127.0.0.1", port))


asyncio.run(main())
