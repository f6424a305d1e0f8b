"""Measure the web page: how much it transfers, and how soon it shows an answer.

    python benchmarks/page.py CORPUS.infgram TEXT
    python benchmarks/page.py CORPUS.infgram TEXT --screenshots FOLDER

`infgram serve` runs on the loopback interface, and Chromium opens the page, with a network that has no delay and one
that delays each response by 300 ms. The page is loaded, and TEXT is put into the box; the time ends when the page shows
the count, which is compared with that of the index. --screenshots writes images of all views in three widths and two
color schemes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright

sys.path.append(
    str(Path(__file__).resolve().parent.parent)
)  # last on the path, so that the installed infgram is imported

from infgram.service.assets import ASSETS

import infgram
from benchmarks.serving import ours

DELAYS_MS: Final = (0, 300)
WIDTHS: Final = (1280, 768, 360)
TRACED: Final = (
    "Return a new list containing all items from the iterable in ascending order. If the file does not exist, the path "
    "is returned unchanged. The optional argument specifies the number of bytes to read from the socket, and may be "
    "omitted. If the connection has been closed by the other side, this method raises an exception and the buffer is "
    "discarded."
)
"""The text that is traced for the screenshots."""


def main() -> None:
    """Parse the options and print the results, or write the screenshots."""
    options = _options()
    with infgram.open(options.index) as index:
        count = index.count(options.text, any_tokenization=True)
    with ours(options.index, 1, options.index.stem) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_program(), args=["--no-sandbox"])
        if options.screenshots:
            _write_screenshots(browser, url, options.text, options.screenshots)
        else:
            print(json.dumps(_sizes()))
            for delay_ms in DELAYS_MS:
                print(json.dumps(_measure(browser, url, options.text, count, delay_ms, options.repeats)), flush=True)
        browser.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the web page.")
    parser.add_argument("index", type=Path)
    parser.add_argument("text")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--screenshots", type=Path, metavar="FOLDER", help="write images instead of measuring")
    return parser.parse_args()


def _program() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise SystemExit("No Chromium was found; install one, for example by: apt-get install chromium")


def _sizes() -> dict[str, Any]:
    return {
        "files": len(ASSETS),
        "bytes": sum(len(asset.content) for asset in ASSETS.values()),
        "compressed_bytes": sum(len(asset.compressed) for asset in ASSETS.values()),
    }


def _measure(browser: Any, url: str, text: str, count: int, delay_ms: int, repeats: int) -> dict[str, Any]:
    """Return median times for one delay of the network, as the page itself measures them."""
    loads_ms, answers_ms, bytes_received, n_requests = [], [], [], []
    for _ in range(repeats):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        session = context.new_cdp_session(page)
        session.send("Network.enable")
        network = {"offline": False, "latency": delay_ms, "downloadThroughput": -1, "uploadThroughput": -1}
        session.send("Network.emulateNetworkConditions", network)
        received: list[float] = []
        session.on(
            "Network.loadingFinished", lambda event, received=received: received.append(event["encodedDataLength"])
        )
        page.goto(url)
        loads_ms.append(page.evaluate(_SHOWN, ["", "token"]))
        n_requests.append(len(received))
        bytes_received.append(sum(received))
        page.wait_for_timeout(4 * delay_ms + 1000)  # until the other views are loaded
        answers_ms.append(page.evaluate(_SHOWN, [text, "occurrence"]))
        shown = page.locator("#view .count strong").inner_text()
        if shown != f"{count:,}":
            raise SystemExit(f"the page shows {shown}, and the index counts {count:,}")
        context.close()
    return {
        "delay_ms": delay_ms,
        "load_ms": round(statistics.median(loads_ms)),
        "answer_ms": round(statistics.median(answers_ms)),
        "requests": round(statistics.median(n_requests)),
        "bytes_received": round(statistics.median(bytes_received)),
    }


_SHOWN: Final = """([text, word]) => new Promise((resolve) => {
  const view = document.getElementById("view");
  const began = text ? performance.now() : 0; // 0 is the beginning of the navigation
  const look = () => {
    if (view.querySelector(".count")?.textContent.includes(word)) resolve(performance.now() - began);
  };
  new MutationObserver(look).observe(view, { childList: true, subtree: true });
  if (!text) return look();
  document.getElementById("query").value = text;
  document.getElementById("query").dispatchEvent(new Event("input"));
})"""
"""Put a text into the box, if one is given, and return the milliseconds until the headline has a word."""


def _write_screenshots(browser: Any, url: str, text: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    views = {
        "empty": "#/explore",
        "explore": f"#/explore?{urlencode({'q': text})}",
        "trace": f"#/trace?{urlencode({'q': TRACED})}",
        "compare": f"#/compare?{urlencode({'q': chr(10).join(text.split())})}",
        "document": "#/document?doc=0",
    }
    for scheme in ("light", "dark"):
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
            for name, state in [*views.items(), *views.items()]:  # the second answers are those of a warm index
                page.goto(f"{url}/{state}")
                shown = json.dumps(page.evaluate("location.hash"))
                page.locator(f"#view[data-shown={shown}]:not(:has([aria-busy]))").wait_for(state="attached")
                page.wait_for_timeout(300)
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png")
            page.close()
    print(f"{len(list(folder.glob('*.png')))} images in {folder}")


if __name__ == "__main__":
    main()
