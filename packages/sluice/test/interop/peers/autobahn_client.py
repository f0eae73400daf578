"""autobahn's WebSocket client speaks with the server of websocket-application.ts; prints what it saw as JSON.

Arguments: the server's URL, and the path to speak at.
"""

import asyncio
import json
import sys
from urllib.parse import urlsplit

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import (
    PerMessageDeflateOffer,
    PerMessageDeflateResponse,
    PerMessageDeflateResponseAccept,
)

PATTERN = bytes((at * 31) & 0xFF for at in range(300_000))
LARGE = "all work and no play makes jack a dull boy. " * 50_000
MOST = 4 * 1024 * 1024


class Client(WebSocketClientProtocol):
    def onConnect(self, response):
        self.protocol = response.protocol
        self.compressed = len(response.extensions) > 0

    def onOpen(self):
        self.factory.opened.set_result(self)

    def onMessage(self, payload, isBinary):
        self.factory.messages.put_nowait(payload if isBinary else payload.decode())

    def onPong(self, payload):
        self.factory.messages.put_nowait(("pong", payload))

    def onClose(self, wasClean, code, reason):
        self.factory.closed.set_result((code, reason))


def accept(response):
    if isinstance(response, PerMessageDeflateResponse):
        return PerMessageDeflateResponseAccept(response)


async def connect(url):
    loop = asyncio.get_running_loop()
    factory = WebSocketClientFactory(url, protocols=["unknown", "echo.v2"])
    factory.protocol = Client
    factory.opened = loop.create_future()
    factory.closed = loop.create_future()
    factory.messages = asyncio.Queue()
    factory.setProtocolOptions(
        perMessageCompressionOffers=[PerMessageDeflateOffer()],
        perMessageCompressionAccept=accept,
    )
    place = urlsplit(url)
    await loop.create_connection(factory, place.hostname, place.port)
    return await asyncio.wait_for(factory.opened, 10), factory


async def main(url, path):
    seen = {}
    client, factory = await connect(url + path)
    seen["protocol"] = client.protocol
    seen["compressed"] = client.compressed
    seen["texts"] = []
    for text in ["hello", "", "ünï 🎉"]:
        client.sendMessage(text.encode())
        seen["texts"].append(await factory.messages.get())
    client.sendMessage(PATTERN, isBinary=True, fragmentSize=50_000)
    seen["binary"] = await factory.messages.get() == PATTERN
    client.sendMessage(LARGE.encode())
    seen["large"] = await factory.messages.get() == LARGE
    client.sendPing(b"are you there")
    seen["pong"] = await factory.messages.get() == ("pong", b"are you there")
    client.sendClose(1000)
    await factory.closed
    seen["closes"] = {}
    for code in [1000, 1008, 1011, 4999]:
        _, factory = await connect(f"{url}/close/{code}")
        code, reason = await factory.closed
        seen["closes"][code] = reason
    client, factory = await connect(url + path)
    client.sendMessage(bytes(MOST + 1), isBinary=True)
    seen["tooBig"] = (await factory.closed)[0]
    print(json.dumps(seen))


asyncio.run(main(*sys.argv[1:]))
