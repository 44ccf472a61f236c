"""What everything is compared to: one FastAPI route that answers fixed 2 KB bytes."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, Response

app = FastAPI()
BODY = b'{"text":"' + b"x" * 2037 + b'"}'


@app.get("/bare")
async def bare() -> Response:
    """Answer the fixed bytes."""
    return Response(BODY, media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", workers=1,
        log_level="warning", access_log=False,
        timeout_keep_alive=75,  # as Headwater: others may have long rounds in between
    )  # fmt: skip
