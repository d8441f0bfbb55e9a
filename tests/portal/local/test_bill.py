"""The bill of materials has its shape and names every lock; silence about weaknesses is never good news."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from portal.core import data_folder
from portal.local import bill, commands, errors


@pytest.fixture
def written(tmp_path: Path) -> dict[str, Any]:
    bill.write(tmp_path / "build" / "sbom.json")
    content: dict[str, Any] = json.loads((tmp_path / "build" / "sbom.json").read_text(encoding="utf-8"))
    return content


def test_it_has_the_shape_of_cyclonedx(written: dict[str, Any]) -> None:
    assert (written["bomFormat"], written["specVersion"], written["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", written["serialNumber"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", written["metadata"]["timestamp"])
    refs = [part["bom-ref"] for part in written["components"]]
    assert len(refs) == len(set(refs)) > 40
    assert set(written["dependencies"][0]["dependsOn"]) == set(refs)
    for part in written["components"]:
        assert part["type"] in {"library", "application"}
        assert part["purl"].startswith(("pkg:pypi/", "pkg:npm/", "pkg:generic/"))
        assert part["name"]
        assert part["version"]
        for each in part.get("hashes", []):
            assert len(each["content"]) == {"SHA-256": 64, "SHA-512": 128}[each["alg"]]


def test_every_lock_is_in_it(written: dict[str, Any]) -> None:
    named = {(part["name"], part["version"]) for part in written["components"]}
    for lock in ("requirements.txt", "requirements-ldap.txt"):
        lines = (data_folder.CHECKOUT / lock).read_text(encoding="utf-8").splitlines()
        pins = [line.split(" ")[0].split("==") for line in lines if line[:1].isalnum()]
        assert {(name.split("[")[0].lower().replace("_", "-"), version) for name, version in pins} <= named
    wanted = json.loads((data_folder.CHECKOUT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert set(wanted.items()) <= named
    assert {"postgresql", "valkey"} <= {name for name, _version in named}


def test_the_same_locks_give_the_same_number(written: dict[str, Any], tmp_path: Path) -> None:
    bill.write(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text(encoding="utf-8"))["serialNumber"] == written["serialNumber"]


class Advisories(BaseHTTPRequestHandler):
    """Knows one weakness, of Django; `broken` answers about too few."""

    broken = False

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        results = [{"vulns": [{"id": "TEST-1"}]} if q["package"]["name"] == "django" else {} for q in asked]
        body = json.dumps({"results": results[:1] if self.broken else results}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def source() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Advisories)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_known_weakness_is_named_and_fails(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert [(part.name, ids) for part, ids in bill.weaknesses(source)] == [("django", ["TEST-1"])]
    assert commands.main(["audit", "--source", source]) == 1
    assert "django" in capsys.readouterr().out


def test_an_answer_about_too_few_is_none(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Advisories, "broken", True)
    with pytest.raises(errors.LocalError, match="nothing is known"):
        bill.weaknesses(source)


def test_nobody_there_is_said_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["audit", "--source", "http://127.0.0.1:9/"]) == 1
    assert "could not be asked" in capsys.readouterr().err
