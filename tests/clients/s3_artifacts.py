"""Runs in an environment with s3fs and a server of S3: tracks a pipeline whose artifacts lie there.

Arguments: the address of a catalog.
"""

import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import numpy as np
import pandas as pd
from moto.server import ThreadedMotoServer

s3 = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
s3.start()
host, port = s3.get_host_and_port()
os.environ |= {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "whatever",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    "HEADWATER_ARTIFACTS": "s3://bucket/folder",
}

import s3fs  # noqa: E402  (it reads where S3 is)

from headwater import Client, HeadwaterError, Model, connect, pipeline, step  # noqa: E402

connect(sys.argv[1])
files = s3fs.S3FileSystem()
files.mkdir("bucket")
FRAME = pd.DataFrame({"a": range(1000), "b": "text"})


def refusal(act: Callable[[], object]) -> str:
    """What is said where something is refused."""
    try:
        act()
    except HeadwaterError as error:
        return error.message
    raise AssertionError("nothing was refused")


@step
def load() -> Annotated[pd.DataFrame, "rows"]:
    return FRAME.copy()


@step
def large(number: int) -> Annotated[np.ndarray, "large"]:
    return np.full(2_000_000, number)


@pipeline(model=Model("stored"))
def storing() -> None:
    load()
    load()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(large, [1, 2, 1, 2]))


storing()
artifact = Model("stored", "latest").get_artifact("rows")
assert artifact.uri.startswith("s3://bucket/folder/sha256/"), artifact.uri
assert artifact.load().equals(FRAME)
stored = files.find("bucket")
assert len(stored) == 3, stored  # each content once, and nothing half written

files.pipe_file(artifact.uri.removeprefix("s3://"), b"something else")
assert "is not what was written" in refusal(artifact.load)

os.environ["HEADWATER_ARTIFACTS"] = "s3://another/folder"
assert "cannot be written" in refusal(storing)
assert files.ls("") == ["bucket"]
assert Client().get_pipeline_run("storing").status == "failed"
s3.stop()
