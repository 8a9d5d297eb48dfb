"""Who hears of a run, heard by a server of our own: good news for the audience, failures for the maintainer alone."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from analysis.errors import DataError
from analysis.runs.notify import run_and_tell
from analysis.runs.progress import Progress
from analysis.runs.run import Order
from tests.unit.runs.conftest import NOW

SECRET = "k3y-that-must-not-leak"
TOLD = "notify: {audience: [AUDIENCE_URL], maintainer: [OPS_URL], link: 'https://reports.example.org/siyu'}\n"


class Ear(BaseHTTPRequestHandler):
    """Keeps what is posted; answers as its server says."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.heard.append((self.path, json.loads(body)))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def ear(monkeypatch):
    server = HTTPServer(("127.0.0.1", 0), Ear)
    server.heard, server.answer = [], 200
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"json://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("AUDIENCE_URL", f"{place}/audience/{SECRET}")
    monkeypatch.setenv("OPS_URL", f"{place}/ops/{SECRET}")
    yield server
    server.shutdown()
    server.server_close()


def run(project, book, *overrides, capture=None):
    progress = Progress(live=False)
    order = Order(
        book=book, overrides=overrides, reports=project.root / "reports", cache=project.root / ".cache", jobs=2
    )
    return run_and_tell(order, now=NOW, progress=progress)


def heard(ear):
    return [(path.split("/")[1], message["title"], message["message"]) for path, message in ear.heard]


def test_the_audience_hears_the_headline_and_the_link_of_a_good_run_once(project, ear):
    book = project.book("alpha", "brief", extra=TOLD)
    outcome = run(project, book)
    run(project, book)
    [(who, title, text)] = heard(ear)
    assert who == "audience"
    assert "2026-03-01" in title
    assert "300" in text
    assert f"https://reports.example.org/siyu/weekly/{outcome.folder.name}/index.html" in text


def test_a_failure_goes_to_the_maintainer_alone_with_page_cell_and_remedy(project, ear):
    project.notebook("broken", "wb.table('revenue_by_moon')")
    outcome = run(project, project.book("alpha", "broken", extra=TOLD))
    assert not outcome.good
    [(who, title, text)] = heard(ear)
    assert who == "ops"
    assert "FAILED: weekly" in title
    assert "broken (cell" in text
    assert "no table or model 'revenue_by_moon'" in text
    assert "Remedy: " in text


def test_bad_data_are_told_to_the_maintainer_alone(project, ear):
    (project.root / "data" / "orders.csv").write_text("order_id,amount\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError):
        run(project, project.book("alpha", extra=TOLD))
    [(who, title, text)] = heard(ear)
    assert (who, title) == ("ops", "REFUSED: weekly (exit 3)")
    assert "customer_id" in text


def test_the_same_data_run_with_other_parameters_are_not_told_as_new(project, ear, capsys):
    book = project.book("alpha", extra=TOLD)
    run(project, book)
    run(project, book, "notebooks.alpha.horizon=61")
    assert len(ear.heard) == 1
    assert "audience is not told" in capsys.readouterr().err


def test_an_address_that_is_unset_or_silent_changes_no_run_and_is_never_shown(project, ear, monkeypatch, capsys):
    ear.answer = 500
    assert run(project, project.book("alpha", extra=TOLD)).good
    monkeypatch.delenv("AUDIENCE_URL")
    assert run(project, project.book("alpha", extra=TOLD + "seed: 5\n"), "as_of=2026-02-20").good
    said = capsys.readouterr()
    assert "the address in AUDIENCE_URL is wrong or does not answer" in said.err
    assert "AUDIENCE_URL is not set" in said.err
    assert SECRET not in said.err + said.out


def test_no_published_byte_holds_an_address(project, ear):
    project.notebook("nosy", "import os\nprint(dict(os.environ))", "wb.answer(zh='好。', en='Fine.')")
    outcome = run(project, project.book("alpha", "nosy", extra=TOLD))
    assert outcome.good
    files = [path for path in (project.root / "reports").rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in [*files, *(p for p in (project.root / ".cache").rglob("*") if p.is_file())]:
        assert SECRET.encode() not in path.read_bytes(), path
