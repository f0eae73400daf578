"""aiohttp's WebSocket client speaks with the server of websocket-application.ts; prints what it saw as JSON.

Arguments: the server's URL, and the path to speak at.
"""

import asyncio
import json
import sys

import aiohttp

PATTERN = bytes((at * 31) & 0xFF for at in range(300_000))
LARGE = "all work and no play makes jack a dull boy. " * 50_000
MOST = 4 * 1024 * 1024


async def main(url, path):
    seen = {}
    async with aiohttp.ClientSession() as session:
        options = {"protocols": ["unknown", "echo.v2"], "compress": 15, "max_msg_size": 0}
        async with session.ws_connect(url + path, **options) as socket:
            seen["protocol"] = socket.protocol
            seen["compressed"] = bool(socket.compress)
            seen["texts"] = []
            for text in ["hello", "", "ünï 🎉"]:
                await socket.send_str(text)
                seen["texts"].append(await socket.receive_str())
            await socket.send_bytes(PATTERN)
            seen["binary"] = await socket.receive_bytes() == PATTERN
            await socket.send_str(LARGE)
            seen["large"] = await socket.receive_str() == LARGE
        async with session.ws_connect(url + path, autoping=False) as socket:
            await socket.ping(b"are you there")
            message = await socket.receive()
            seen["pong"] = message.type == aiohttp.WSMsgType.PONG and message.data == b"are you there"
        seen["closes"] = {}
        for code in [1000, 1008, 1011, 4999]:
            async with session.ws_connect(f"{url}/close/{code}") as socket:
                message = await socket.receive()
                seen["closes"][socket.close_code] = message.extra
        async with session.ws_connect(url + path) as socket:
            await socket.send_bytes(bytes(MOST + 1))
            # close_code is 1006 where its own close frame finds the connection closed.
            seen["tooBig"] = (await socket.receive()).data
    print(json.dumps(seen))


asyncio.run(main(*sys.argv[1:]))
