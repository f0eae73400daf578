"""aiohttp's client speaks with a server that has the paths of origin-application.ts; prints what it saw as JSON.

Arguments: the server's URL, and the certificate of the authority to trust.
"""

import asyncio
import hashlib
import json
import ssl
import sys

import aiohttp


def pattern(count):
    return bytes((at * 31 + (at >> 8)) & 0xFF for at in range(count))


async def pieces(body):
    for at in range(0, len(body), 50_001):
        yield body[at : at + 50_001]


async def main(url, authority):
    seen = {}
    tls = ssl.create_default_context(cafile=authority) if url.startswith("https:") else False
    opened = 0

    async def connected(*_):
        nonlocal opened
        opened += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    connector = aiohttp.TCPConnector(ssl=tls, limit=4)
    async with aiohttp.ClientSession(url, connector=connector, trace_configs=[trace]) as session:
        async with session.get("/hello") as response:
            seen["hello"] = [response.status, await response.text()]
        async with session.head("/hello") as response:
            seen["head"] = [response.status, response.headers["Content-Length"], await response.text()]
        async with session.get("/stream/2000") as response:
            text = await response.text()
            seen["stream"] = [response.headers["Transfer-Encoding"], hashlib.sha256(text.encode()).hexdigest()]
        async with session.get("/gzip") as response:
            seen["gzip"] = hashlib.sha256(await response.read()).hexdigest()
        async with session.delete("/nothing") as response:
            seen["nothing"] = [response.status, await response.text()]
        async with session.get("/missing") as response:
            seen["missing"] = response.status
        seen["echoes"] = []
        for method in ["POST", "PUT", "PATCH", "DELETE", "QUERY"]:
            async with session.request(method, "/echo?q=1", data=b"some text") as response:
                seen["echoes"].append(await response.json())
        async with session.post("/echo", data=pieces(pattern(700_000))) as response:
            seen["chunked"] = await response.json()
        async with session.post("/echo", data=b"some text", expect100=True) as response:
            seen["expected"] = await response.json()
        seen["openedInTurn"] = opened

        async def sized(count):
            async with session.get(f"/bytes/{count}") as response:
                return hashlib.sha256(await response.read()).hexdigest()

        seen["parallel"] = await asyncio.gather(*(sized(index * 997) for index in range(40)))
        seen["openedInAll"] = opened
    print(json.dumps(seen))


asyncio.run(main(sys.argv[1], sys.argv[2]))
