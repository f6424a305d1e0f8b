"""The bytes tokenizer: ids are the bytes of UTF-8."""

from __future__ import annotations

import subprocess
import sys

from infgram.tokenizers import BytesTokenizer, resolve


def test_ids_are_bytes() -> None:
    assert BytesTokenizer().encode("aé\x00€").tolist() == list("aé\x00€".encode())


def test_the_vocabulary_leaves_0xff_to_the_separator() -> None:
    assert BytesTokenizer().vocab_size == 0xFF


def test_every_byte_is_shown() -> None:
    shown = BytesTokenizer().tokens([0x41, 0x0A, 0x80, 0xC3, 0xFE])
    assert shown == ["A", "\n", "\\x80", "\\xc3", "\\xfe"]


def test_the_package_tokenizers_is_not_needed() -> None:
    code = (
        "import sys; sys.modules['tokenizers'] = None\n"
        "from infgram.tokenizers import resolve\n"
        "print(resolve('bytes').encode('hi').tolist())"
    )
    result = subprocess.run([sys.executable, "-I", "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "[104, 105]"


def test_the_definition_is_constant() -> None:
    assert resolve("bytes").fingerprint == BytesTokenizer.fingerprint
    assert BytesTokenizer.fingerprint == "cedd48568221c9dc5e607cc974fe96e265c5913aad33781ba6608d7900928c61"
