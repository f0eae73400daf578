"""The paths of origin-application.ts on aiohttp's server. Arguments: a certificate and its key, for TLS."""

import gzip
import hashlib
import ssl
import sys

from aiohttp import web

GREETING = "hello, wörld\n"


def line_of(index):
    return f"line {index} {'x' * (index % 100)}\n"


async def hello(request):
    return web.Response(text=GREETING)


async def echo(request):
    body = await request.read()
    return web.json_response(
        {
            "method": request.method,
            "target": request.raw_path,
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
            "contentLength": request.headers.get("Content-Length"),
            "transferEncoding": request.headers.get("Transfer-Encoding"),
            "cookie": request.headers.get("Cookie"),
        }
    )


async def some_bytes(request):
    count = int(request.match_info["count"])
    return web.Response(body=bytes((at * 31 + (at >> 8)) & 0xFF for at in range(count)))


async def stream(request):
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    for index in range(int(request.match_info["count"])):
        await response.write(line_of(index).encode())
    await response.write_eof()
    return response


async def gzipped(request):
    body = gzip.compress("".join(line_of(index) for index in range(500)).encode())
    return web.Response(body=body, headers={"Content-Type": "text/plain", "Content-Encoding": "gzip"})


async def nothing(request):
    return web.Response(status=204)


async def large_head(request):
    return web.Response(text="", headers={"X-Large": "v" * 6000})


async def refuse(request):
    return web.Response(status=413, text="too much\n")


def application():
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_get("/hello", hello)
    app.router.add_route("*", "/echo", echo)
    app.router.add_get("/bytes/{count}", some_bytes)
    app.router.add_get("/stream/{count}", stream)
    app.router.add_get("/gzip", gzipped)
    app.router.add_delete("/nothing", nothing)
    app.router.add_get("/large-head", large_head)
    app.router.add_post("/refuse", refuse)
    return app


async def started():
    context = None
    if len(sys.argv) == 3:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
    runner = web.AppRunner(application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    print(f"port {port}", flush=True)


if __name__ == "__main__":
    import asyncio

    loop = asyncio.new_event_loop()
    loop.run_until_complete(started())
    loop.run_forever()
