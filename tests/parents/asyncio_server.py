"""A parent with a server of asyncio in a thread."""

import asyncio
import threading

listening = threading.Event()


async def serve() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    listening.set()
    await server.serve_forever()


threading.Thread(target=asyncio.run, args=(serve(),), daemon=True).start()
listening.wait()
