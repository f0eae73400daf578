"""aiohttp's server, with its access log off. Prints its port."""

import asyncio
import json

from aiohttp import web


async def user(request: web.Request) -> web.Response:
    return web.json_response({"id": request.match_info["id"], "name": "Ada Lovelace"})


async def text(_request: web.Request) -> web.Response:
    return web.Response(text="Hello, world!")


async def order(request: web.Request) -> web.Response:
    received = await request.json()
    return web.json_response({"id": received["id"], "count": len(received["lines"])})


async def main() -> None:
    app = web.Application()
    app.add_routes([web.get("/users/{id}", user), web.get("/text", text), web.post("/orders", order)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    print(json.dumps({"port": port}), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
