"""python3-pymodbus as the peer of the benchmark `modbus`: "serve PORT", or "read PORT READS", which prints seconds."""
import asyncio
import sys
import time

from pymodbus.client import ModbusTcpClient
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncTcpServer


def serve(port):
    context = ModbusServerContext(slaves=ModbusSlaveContext(ir=ModbusSequentialDataBlock(1, [0] * 400)), single=True)
    asyncio.run(StartAsyncTcpServer(context=context, address=("127.0.0.1", port)))


def read(port, reads):
    client = ModbusTcpClient("127.0.0.1", port=port)
    client.connect()
    started = time.monotonic()
    for i in range(reads):
        answer = client.read_input_registers(2 * (i % 16), 30, slave=1)
        assert len(answer.registers) == 30
    print(time.monotonic() - started)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    read(int(sys.argv[2]), int(sys.argv[3]))
