"""`infgram api-key`: let somebody ask."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infgram.cli.options import JsonOption
from infgram.cli.output import print_json, print_line
from infgram.cli.serve import load_service

EXAMPLES = """
infgram api-key keys.txt alice
infgram api-key keys.txt keeper --admin
infgram api-key keys.txt crawler --requests-per-s 5
infgram serve corpus.infgram --api-keys-file keys.txt
"""


def api_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of keys; made if there is none.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is, as the log will call them.")],
    admin: Annotated[bool, typer.Option("--admin", help="It may also reload the indexes.")] = False,
    requests_per_s: Annotated[
        float | None,
        typer.Option("--requests-per-s", min=0.001, metavar="N", help="A rate of its own; else that of infgram serve."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key for the service, and print it once.

    The file gets a line with the name and a hash, from which the key cannot be found out: keep the key itself. To
    take it back, remove the line and send the service a SIGHUP.

    JSON: name, key.
    """
    key = load_service().add_key(file, name, is_admin=admin, requests_per_s=requests_per_s)
    if as_json:
        print_json({"name": name, "key": key})
    else:
        print_line(key)
