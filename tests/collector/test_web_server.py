"""Connections without a request are closed after a time, those with one are not."""

from __future__ import annotations

import asyncio
import contextlib
import socket

from aiohttp import web

from cycletrace._internal.web_server import WebServer

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_client_that_reads_nothing_is_cut_off() -> None:
    async def large(_: web.Request) -> web.Response:
        return web.Response(body=bytes(4_000_000))

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/", large)
        server = WebServer(app, idle=0.5)
        port = await server.start("127.0.0.1", 0)
        with socket.create_connection(("127.0.0.1", port), timeout=30) as deaf:
            deaf.sendall(REQUEST)
            await asyncio.sleep(3)
            received = 0
            with contextlib.suppress(ConnectionResetError):
                while piece := deaf.recv(1 << 20):
                    received += len(piece)
            assert received < 4_000_000, "what was left was thrown away"
        await server.stop()

    asyncio.run(run())


def test_silent_connections_are_closed_and_busy_ones_are_not() -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(2.5)
        return web.Response(text="done")

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/", slow)
        server = WebServer(app, idle=0.5)
        port = await server.start("127.0.0.1", 0)
        busy, busy_writer = await asyncio.open_connection("127.0.0.1", port)
        busy_writer.write(REQUEST)
        silent, silent_writer = await asyncio.open_connection("127.0.0.1", port)
        begun, begun_writer = await asyncio.open_connection("127.0.0.1", port)
        begun_writer.write(REQUEST[:20])
        assert await asyncio.wait_for(silent.read(), 30) == b""
        assert await asyncio.wait_for(begun.read(), 30) == b""
        assert (await asyncio.wait_for(busy.readuntil(b"done"), 30)).startswith(b"HTTP/1.1 200 OK")
        assert await asyncio.wait_for(busy.read(), 30) == b"", "it is silent from then on"
        for writer in (busy_writer, silent_writer, begun_writer):
            writer.close()
        await server.stop()

    asyncio.run(run())
