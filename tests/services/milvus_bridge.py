"""Runs a Milvus server in this process's network namespace, and lets one port of another reach it.

    unshare --net … python milvus_bridge.py FD FOLDER

FD is a listening socket, which stays in the namespace where it was made; what connects to it is
carried to Milvus on the loopback interface of the namespace that this process lives in. It ends
when its standard input does, that is with whoever started it, and so does the server: this process
is the first one of a process namespace of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

SIOCSIFFLAGS = 0x8914
IFF_UP = 1
BLOCK = 1 << 18


def raise_loopback() -> None:
    """Switch on the loopback interface, which a new network namespace has switched off."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        fcntl.ioctl(asked, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))


def start_server(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start Milvus with its data in a folder, and return its process and port."""
    from milvus import MilvusServerConfig, _initialize_data_files

    config = MilvusServerConfig(data_dir=str(folder))
    config.configurable_items["authorization_enabled"][1] = True
    config.resolve()
    # Beside the data, so that several servers of one test run unpack 190 MB once.
    programs = folder.parent / "milvus-programs"
    _initialize_data_files(str(programs))
    environment = {
        **os.environ,
        "DEPLOY_MODE": "STANDALONE",
        "MILVUS_RUN_DIR": str(folder / "run"),
        "LD_LIBRARY_PATH": str(programs / "bin"),
    }
    with (folder / "logs/output.log").open("ab") as log:
        server = subprocess.Popen(
            [programs / "bin/milvus", "run", "standalone"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    return server, int(config.get("proxy_port"))


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy what comes from one end to the other, until there is no more."""
    with contextlib.suppress(OSError):
        while block := await reader.read(BLOCK):
            writer.write(block)
            await writer.drain()
    writer.close()


async def serve(listening: socket.socket, port: int) -> None:
    """Connect whoever connects with the server, until standard input ends."""

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(carry(reader, inner_writer), carry(inner_reader, writer))

    async with await asyncio.start_server(connect, sock=listening):
        await asyncio.to_thread(sys.stdin.buffer.read)


def main() -> None:
    """Run until standard input ends."""
    descriptor, folder = int(sys.argv[1]), Path(sys.argv[2])
    raise_loopback()
    server, port = start_server(folder)
    try:
        asyncio.run(serve(socket.socket(fileno=descriptor), port))
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
