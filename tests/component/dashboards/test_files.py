"""What `raysim dashboards` writes and checks; the committed files; provisioning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
import yaml
from click.testing import CliRunner, Result

from raysim.cli.dashboards import command
from raysim.core.errors import ConfigError, PreflightError
from raysim.dashboards import files
from raysim.dashboards.alerts import ALERTS
from raysim.dashboards.catalog import DASHBOARDS
from raysim.dashboards.rule import Alert

ROOT = Path(__file__).parents[3] / "dashboards"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False, catch_exceptions=False)


def test_what_is_committed_is_what_is_built() -> None:
    assert files.stale(ROOT) == []
    # and nothing that was built once
    assert {path.name for path in ROOT.glob("*.json")} == {f"{dashboard.name}.json" for dashboard in DASHBOARDS}


def test_it_is_built_and_checked(tmp_path: Path) -> None:
    assert run("build", "--out", str(tmp_path)).exit_code == 0
    assert "ask for what is exported" in run("check", "--out", str(tmp_path)).output
    (tmp_path / "cost.json").write_text("{}")
    (tmp_path / "rules" / "alerts.yaml").unlink()
    with pytest.raises(ConfigError) as caught:
        run("check", "--out", str(tmp_path))
    assert [problem.message.split()[0] for problem in caught.value.problems] == [
        str(tmp_path / "cost.json"),
        str(tmp_path / "rules" / "alerts.yaml"),
    ]


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("in the way")
    with pytest.raises(ConfigError, match="cannot be written"):
        run("build", "--out", str(tmp_path))


def serve(monkeypatch: pytest.MonkeyPatch, handle: Callable[[httpx.Request], httpx.Response]) -> None:
    client = httpx.Client

    def made(**_: Any) -> httpx.Client:
        return client(transport=httpx.MockTransport(handle))

    monkeypatch.setattr(httpx, "Client", made)


def prometheus(monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception) -> None:
    def handle(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    serve(monkeypatch, handle)


def vector(*values: float) -> httpx.Response:
    result = [{"metric": {"test_run": "r-1"}, "value": [0, str(value)]} for value in values]
    return httpx.Response(200, json={"status": "success", "data": {"resultType": "vector", "result": result}})


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.ConnectError("refused"), "cannot be asked: refused"),
        (httpx.Response(503, json={"status": "error", "error": "starting"}), "answered 503: starting"),
        (httpx.Response(200, text="<html>"), "does not answer as a Prometheus does"),
        (httpx.Response(200, json=[]), "does not answer as a Prometheus does"),
        (vector(), "knows of no run in the last day"),
    ],
    ids=str,
)
def test_a_prometheus_that_cannot_be_asked_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, answer: httpx.Response | Exception, says: str
) -> None:
    prometheus(monkeypatch, answer)
    with pytest.raises(PreflightError, match=says):
        run("check", "--out", str(ROOT), "--prometheus", "http://prometheus:9090")


@pytest.mark.parametrize(("option", "value"), [("--run", 'a"}'), ("--at", "yesterday")])
def test_a_run_or_time_that_is_none_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, option: str, value: str) -> None:
    prometheus(monkeypatch, httpx.Response(400, json={"status": "error", "error": "cannot parse"}))
    with pytest.raises(ConfigError, match=option):
        run("check", "--out", str(ROOT), "--prometheus", "http://prometheus:9090", option, value)


def test_a_password_in_the_address_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    prometheus(monkeypatch, vector())
    with pytest.raises(PreflightError) as caught:
        run("check", "--out", str(ROOT), "--prometheus", "http://me:open-sesame@prometheus:9090")
    assert "sesame" not in str(caught.value)


def test_all_queries_with_data_are_well(monkeypatch: pytest.MonkeyPatch) -> None:
    prometheus(monkeypatch, vector(1.0))
    ended = run("check", "--out", str(ROOT), "--prometheus", "http://prometheus:9090/")
    assert ended.return_value == 0
    assert "run r-1: " in ended.output
    assert "missing" not in ended.output


def test_queries_without_data_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        asked = parse_qs(request.content.decode())
        if "max_over_time(push_time_seconds" in asked["query"][0]:
            assert 'test_run="r-1"' in asked["query"][0]
            return vector(1234.5)
        assert asked["time"] == ["1234.500"]
        return vector()

    serve(monkeypatch, handle)
    ended = run("check", "--out", str(ROOT), "--prometheus", "http://prometheus:9090", "--run", "r-1")
    assert ended.return_value == 6
    assert "  missing  overview: Requests (loadtest_run_requests_total is not there)" in ended.output
    assert "  absent   backends: GPU busy" in ended.output
    assert "  nothing  as may be: " in ended.output
    assert ended.output.splitlines()[-1].startswith("run r-1: ")


def test_provisioning_names_what_is_there() -> None:
    datasources = yaml.safe_load((ROOT / "provisioning" / "datasources" / "prometheus.yaml").read_text())
    assert datasources["datasources"][0]["type"] == "prometheus"
    providers = yaml.safe_load((ROOT / "provisioning" / "dashboards" / "raysim.yaml").read_text())
    assert providers["providers"][0]["type"] == "file"


def test_every_dashboard_is_a_config_map_that_kubernetes_takes() -> None:
    document = yaml.safe_load((ROOT / "kustomization.yaml").read_text())
    maps = {name for made in document["configMapGenerator"] for name in made["files"]}
    assert maps == {path.name for path in ROOT.glob("*.json")}
    assert document["generatorOptions"]["labels"]["grafana_dashboard"] == "1"
    # what kubectl apply can keep of an object in its annotation; Kubernetes itself takes 1 MiB
    assert max(path.stat().st_size for path in ROOT.glob("*.json")) < 256 * 1024


def test_the_page_names_every_dashboard_and_alert() -> None:
    page = (ROOT.parent / "docs" / "dashboards.md").read_text()
    titles = [dashboard.title for dashboard in DASHBOARDS]
    alerts = [rule.name for group in ALERTS for rule in group.rules if isinstance(rule, Alert)]
    assert [title for title in titles if f"| {title} |" not in page] == []
    assert [alert for alert in alerts if f"`{alert}`" not in page] == []
