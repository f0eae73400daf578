"""Reads forms with files: by aiohttp at /form, or, with the argument "httpbin", by httpbin and Werkzeug at /post."""

import hashlib
import sys


def with_httpbin():
    from httpbin import app
    from werkzeug.serving import make_server

    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"port {server.port}", flush=True)
    server.serve_forever()


async def form(request):
    from aiohttp import web

    parts = []
    async for part in await request.multipart():
        body = await part.read(decode=False)
        parts.append(
            {
                "name": part.name,
                "filename": part.filename,
                "type": part.headers.get("Content-Type"),
                "note": part.headers.get("X-Note"),
                "length": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
            }
        )
    return web.json_response({"parts": parts, "length": request.headers.get("Content-Length")})


async def plain(request):
    from aiohttp import web

    body = await request.read()
    return web.json_response({"sha256": hashlib.sha256(body).hexdigest()})


async def with_aiohttp():
    from aiohttp import web

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/form", form)
    app.router.add_post("/plain", plain)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"port {site._server.sockets[0].getsockname()[1]}", flush=True)


if __name__ == "__main__":
    if "httpbin" in sys.argv:
        with_httpbin()
    else:
        import asyncio

        loop = asyncio.new_event_loop()
        loop.run_until_complete(with_aiohttp())
        loop.run_forever()
