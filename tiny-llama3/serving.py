"""The command `serve`: a model behind OpenAI's interface, and a page to chat on. Part of main.py's wiring."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from tiny_shared import UserError, cli

TOKEN = "SERVE_TOKEN"  # an environment variable, for arguments can be seen by everybody on the machine


def add_command(commands: Any, command: Any, add_machine: Any) -> None:
    sub = command(commands, "serve", serve, "serve a model: OpenAI's interface, and a chat page")
    sub.add_argument("--model", type=Path, required=True, metavar="DIR", help="a run, or a Hugging Face folder")
    sub.add_argument("--name", help="by which clients ask for it (default: the folder's)")
    sub.add_argument("--host", default="127.0.0.1", help="another one opens it to the network (default: 127.0.0.1)")
    sub.add_argument("--port", type=int, default=8000, help="0 takes one that is free (default: 8000)")
    sub.add_argument("--rows", type=cli.positive, default=16, metavar="N", help="texts at once (default: 16)")
    sub.add_argument("--waiting", type=int, default=64, metavar="N", help="more that may wait (default: 64)")
    sub.add_argument("--context", type=cli.positive, metavar="N", help="positions of a text (default: the model's)")
    add_machine(sub)


def serve(args: argparse.Namespace) -> None:
    import uvicorn

    from tiny_llama3 import hub
    from tiny_llama3.serve.app import create_app
    from tiny_llama3.serve.engine import Engine

    token = os.environ.get(TOKEN) or None
    if args.host not in ("127.0.0.1", "localhost", "::1") and token is None:
        raise UserError(f"{args.host} opens the server to the network; set {TOKEN} to a secret that clients must send")
    if not 0 <= args.port < 65536 or args.waiting < 0:
        raise UserError("--port must be from 0 to 65535, --waiting 0 or more; correct it")
    model, tokenizer = hub.load(args.model, cli.pick_device(args.device))
    if tokenizer is None:
        raise UserError(f"{args.model} has no tokenizer; copy the whole folder again")
    positions = model.config.max_position_embeddings
    engine = Engine(model, args.rows, args.waiting, min(args.context or positions, positions))
    name = args.name or args.model.resolve().name
    app = create_app(engine, tokenizer, name, token)
    config = uvicorn.Config(app, host=args.host, port=args.port, log_level="warning", timeout_graceful_shutdown=2)
    try:
        listening = config.bind_socket()
    except SystemExit:  # uvicorn's way to say that the port is taken
        raise UserError(f"{args.host}:{args.port} can't be opened; choose another --port") from None
    listening.listen()  # before the address is told: whoever comes now waits until the server is up
    port = listening.getsockname()[1]
    host = f"[{args.host}]" if ":" in args.host else args.host
    address = f"http://{host}:{port}/"
    cli.show({"url": f"{address}v1", "model": name, "page": address}, args.json,
             f"{name} at {address}v1, a page to chat on at {address} (Ctrl-C stops)")  # fmt: skip
    sys.stdout.flush()
    try:
        uvicorn.Server(config).run([listening])
    finally:
        engine.close()
