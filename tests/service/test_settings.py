"""Settings that are misspelled, invalid or without effect prevent the start; the message suggests a setting."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from infgram.service import Settings, add_key, create_app, environment, run, settings_from
from infgram.service.middleware.api_keys import Keys
from pydantic import ValidationError

import infgram

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.upper().startswith("INFGRAM_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("INFGRAM_API_KEY_FILE", "INFGRAM_API_KEYS_FILE"),
        ("infgram_api_key_file", "INFGRAM_API_KEYS_FILE"),
        ("INFGRAM_APIKEYSFILE", "INFGRAM_API_KEYS_FILE"),
        ("INFGRAM__API_KEYS_FILE", "INFGRAM_API_KEYS_FILE"),
        ("INFGRAM_REQUEST_PER_S", "INFGRAM_REQUESTS_PER_S"),
        ("INFGRAM_LIMITS_TOP_K", "INFGRAM_LIMITS__TOP_K"),
        ("INFGRAM_LIMIT__TOP_K", "INFGRAM_LIMITS__TOP_K"),
        ("INFGRAM_CORS_ORIGIN", "INFGRAM_CORS_ORIGINS"),
        ("INFGRAM_TRUSTED_PROXY", "INFGRAM_TRUSTED_PROXIES"),
        ("INFGRAM_CONFIGURATION", "INFGRAM_CONFIG"),
        ("INFGRAM_PORT__X", "INFGRAM_PORT"),
        ("INFGRAM_ZZZZ", None),
    ],
)
def test_a_misspelled_variable(monkeypatch: pytest.MonkeyPatch, variable: str, meant: str | None) -> None:
    monkeypatch.setenv(variable, "1")
    for start in (Settings, create_app, lambda: settings_from(None, port=1)):
        with pytest.raises(ValueError, match=rf"there is no setting {variable.upper()}\b") as refused:
            start()
        suggestion = re.search(r"did you mean (\w+)\?", str(refused.value))
        assert (suggestion and suggestion[1]) == meant


def test_all_misspelled_variables_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFGRAM_HOSTS", "::1")
    monkeypatch.setenv("INFGRAM_PORTS", "1")
    with pytest.raises(ValueError, match=r"INFGRAM_HOSTS.*INFGRAM_PORTS"):
        Settings()


def test_one_setting_in_two_spellings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFGRAM_PORT", "1")
    monkeypatch.setenv("infgram_port", "2")
    with pytest.raises(ValueError, match="INFGRAM_PORT and infgram_port set the same setting"):
        Settings()


def test_known_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {
        "infgram_port": "81",
        "INFGRAM_LIMITS__TOP_K": "77",
        "Infgram_Limits__Spans": "78",
        "INFGRAM_INDEXES__STORIES": "/data/stories.infgram",
        "INFGRAM_END_OF_TEXT_IDS": '{"stories": 0}',
        "INFGRAM_CACHE": "/tmp",
        "INFGRAM_CONFIG": "",
        "INFGRAM_SERVICE_HOST": "10.0.0.1",  # what Kubernetes sets for Services named infgram and infgram-web
        "INFGRAM_SERVICE_PORT_HTTP": "80",
        "INFGRAM_PORT_8000_TCP": "tcp://10.0.0.1:8000",
        "INFGRAM_PORT_8000_TCP_ADDR": "10.0.0.1",
        "INFGRAM_WEB_SERVICE_PORT": "80",
        "INFGRAM_WEB_PORT": "tcp://10.0.0.1:80",
        "INFGRAMS_PORT": "none of ours",
    }
    for name, value in known.items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.port, settings.limits.top_k, settings.limits.spans) == (81, 77, 78)
    assert settings.indexes == {"stories": Path("/data/stories.infgram")}
    assert settings.end_of_text_ids == {"stories": 0}


def test_variables_of_a_kubernetes_service_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFGRAM_PORT", "tcp://10.0.0.1:80")
    assert Settings().port == 8000


def test_every_setting_is_a_known_variable() -> None:
    names = set(environment._names(Settings))
    assert {f"INFGRAM_{name}".upper() for name in Settings.model_fields} < names
    assert "INFGRAM_LIMITS__BODY_BYTES" in names


def test_the_variables_of_the_rest_of_infgram_are_known() -> None:
    """This covers every variable that the library, its image or its recipes name."""
    files = [*(ROOT / "infgram").rglob("*.py"), ROOT / "service" / "Dockerfile"]
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    used = set(re.findall(r"\bINFGRAM_[A-Z_]+\b", text))
    assert {"INFGRAM_CACHE", "INFGRAM_HOST", "INFGRAM_PORT"} <= used
    assert used <= environment.OTHERS | set(environment._names(Settings))
    assert used >= environment.OTHERS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("api_key_file = 'k'", r"^api_key_file: there is no such setting; did you mean api_keys_file\?$"),
        ("[limit]\ntop_k = 20", r"^limit: .*did you mean limits\?"),
        ("[limits]\ntop_kk = 20", r"^limits\.top_kk: .*did you mean top_k\?"),
        ("zzz = 1", r"^zzz: there is no such setting$"),
        ("port = 'many'", r"^port: Input should be a valid integer"),
        ("[models.news]\nfolder = 'm'", r"^models: .*unknown index news; the indexes are \(none\)"),
        ("[end_of_text_ids]\nnews = 0", r"^end_of_text_ids: .*unknown index news; the indexes are \(none\)"),
        ("[indexes]\na = 'a'\n[end_of_text_ids]\na = -2", r"^end_of_text_ids\.a: .*greater than or equal to -1"),
        ("cors_origins = ['https://page.example/']", r"^cors_origins\.0: .*without a path"),
        ("cors_origins = ['page.example']", r"^cors_origins\.0: .*https://page\.example"),
        ("trusted_proxies = ['10.0.0.1/8']", r"^trusted_proxies: .*host bits"),
        ("log_queries = true\nlog_requests = false", r"log_queries requires log_requests"),
    ],
)
def test_invalid_files(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "service.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        settings_from(file)


def test_the_error_of_a_variable_names_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value, message in (
        ("INFGRAM_PORT", "many", r"^port: .* \(the variable INFGRAM_PORT\)$"),
        ("INFGRAM_LIMITS__TOP_K", "1", r"^limits\.top_k: .* \(the variable INFGRAM_LIMITS__TOP_K\)$"),
        ("INFGRAM_LIMITS__TOP_KK", "1", r"^limits\.top_kk: .*did you mean top_k"),
    ):
        with monkeypatch.context() as changed:
            changed.setenv(name, value)
            with pytest.raises(ValueError, match=message):
                settings_from(None)


def test_the_settings_file_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ASGI server that calls `create_app` reads it, too."""
    file = tmp_path / "service.toml"
    file.write_text("port = 81")
    monkeypatch.setenv("INFGRAM_CONFIG", str(file))
    assert create_app().state.settings.port == 81
    file.write_text("ports = 81")
    with pytest.raises(ValueError, match="did you mean port"):
        create_app()


@pytest.mark.parametrize("text", ["https://a.example, https://b.example", '["https://a.example", "https://b.example"]'])
def test_several_values_of_a_variable(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("INFGRAM_CORS_ORIGINS", text)
    assert Settings().cors_origins == ("https://a.example", "https://b.example")


# The file of keys


@pytest.mark.parametrize("text", ["", "\n\n", "# alice has left\n"])
def test_a_file_without_keys_prevents_the_start(folders: dict[str, Path], tmp_path: Path, text: str) -> None:
    (tmp_path / "keys.txt").write_text(text)
    settings = Settings(indexes={"bytes": folders["bytes"]}, port=0, api_keys_file=tmp_path / "keys.txt")
    with pytest.raises(infgram.InputError, match=r"keys\.txt contains no key.*infgram api-key"):
        run(settings)
    with pytest.raises(infgram.InputError, match="contains no key"), TestClient(create_app(settings)):
        pass


def test_the_last_key_can_be_removed(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reload accepts an empty file and then rejects all queries, because removed keys must not stay valid."""
    file = tmp_path / "keys.txt"
    keeper = {"authorization": f"Bearer {add_key(file, 'keeper', is_admin=True)}"}
    with TestClient(create_app(Settings(indexes={"bytes": folders["bytes"]}, api_keys_file=file))) as client:
        file.write_text("")
        assert client.post("/v1/admin/reload", headers=keeper).status_code == 200
        assert client.get("/v1/indexes", headers=keeper).status_code == 401
    assert '"event":"no_keys"' in capsys.readouterr().err


def test_lines_of_keys_that_contradict_each_other(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    add_key(file, "alice")
    line = file.read_text().strip()
    file.write_text(f"{line}\n{line.replace('alice', 'bob')} admin\n")
    with pytest.raises(infgram.InputError, match=r"line 2: 'alice' has the same key"):
        Keys.read(file)
    file.write_text(f"{line} requests_per_s=0\n")
    with pytest.raises(infgram.InputError, match=r"line 1: expected requests_per_s above 0"):
        Keys.read(file)


def test_settings_that_have_no_effect() -> None:
    wrong: list[dict[str, Any]] = [
        {"log_queries": True, "log_requests": False},
        {"cors_origins": ["https://page.example/"]},
        {"end_of_text_ids": {"none": 1}},
    ]
    for settings in wrong:
        with pytest.raises(ValidationError):
            Settings(**settings)
