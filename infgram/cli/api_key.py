"""`infgram api-key`: create an API key."""

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
infgram api-key keys.txt editor --write
infgram api-key keys.txt crawler --requests-per-s 5
infgram serve corpus.infgram --api-keys-file keys.txt
"""


def api_key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file of API keys; created if missing.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the key's owner in the log.")],
    admin: Annotated[bool, typer.Option("--admin", help="Allow the key to reload indexes, too.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Allow the key to change indexes, too.")] = False,
    requests_per_s: Annotated[
        float | None,
        typer.Option(
            "--requests-per-s",
            min=0.001,
            metavar="N",
            help="The rate limit of this key; by default that of infgram serve.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Create an API key for the service.

    The key is printed once. The file stores only its hash, with the name: keep the key. To revoke it, remove its line
    from the file and send the service a SIGHUP.

    JSON: name, key.
    """
    key = load_service().add_key(file, name, is_admin=admin, may_write=write, requests_per_s=requests_per_s)
    if as_json:
        print_json({"name": name, "key": key})
    else:
        print_line(key)
