"""The endpoint is gradio's own: behind its login, and each user gets his own records only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from fastapi.testclient import TestClient
from gradio.routes import App

from bleed_guard.host.history import History
from bleed_guard.ui import tab
from bleed_guard.ui.served import ServedFiles
from tests.ui.records import make_record


@pytest.fixture
def page(history: History, gradio_folder: Path, monkeypatch: pytest.MonkeyPatch) -> gr.Blocks:
    """A host's page: the tab rendered among others."""
    monkeypatch.setattr(tab, "FILES", ServedFiles())
    history.add(make_record("ann's", owner="ann"))
    history.add(make_record("bob's", owner="bob"))
    ((blocks, title, elem_id),) = tab.build_tab(history)
    assert (title, elem_id) == ("Bleed", "bleed_guard_tab")
    with gr.Blocks(analytics_enabled=False) as page, gr.Tabs(), gr.TabItem(title):
        blocks.render()
    return page


@pytest.fixture
def client(page: gr.Blocks) -> Iterator[TestClient]:
    page.auth = [("ann", "a"), ("bob", "b")]
    page.auth_message = None
    with TestClient(App.create_app(page), base_url="http://127.0.0.1") as client:
        yield client


def ask(client: TestClient, **question: Any) -> dict[str, Any]:
    answer = client.post("/run/bleed_guard", json={"data": [json.dumps(question)]})
    assert answer.status_code == 200, answer.text
    return json.loads(answer.json()["data"][0])


def log_in(client: TestClient, name: str) -> None:
    client.cookies.clear()
    answer = client.post("/login", data={"username": name, "password": name[0]})
    assert answer.status_code == 200


def test_without_a_login_nothing_is_told(client: TestClient) -> None:
    answer = client.post("/run/bleed_guard", json={"data": ['{"ask": "list"}']})
    assert answer.status_code == 401


@pytest.mark.parametrize("name", ["ann", "bob"])
def test_a_user_sees_his_own_runs_only(client: TestClient, name: str) -> None:
    log_in(client, name)
    records = ask(client, ask="list")["records"]
    assert [record["id"] for record in records] == [f"{name}'s"]


def test_a_picture_is_served_to_who_is_logged_in(client: TestClient) -> None:
    log_in(client, "ann")
    answer = ask(client, ask="layers", id="ann's", image=0, layers=["reference"])
    path = answer["layers"]["reference"]["file"]
    assert client.get(f"/file={path}").content == Path(path).read_bytes()
    client.cookies.clear()
    assert client.get(f"/file={path}").status_code == 401


def test_another_users_picture_is_not_told(client: TestClient) -> None:
    log_in(client, "bob")
    answer = ask(client, ask="layers", id="ann's", image=0, layers=["reference"])
    assert answer == {"error": "This run is no longer in the history."}


def test_without_logins_there_is_one_owner(page: gr.Blocks) -> None:
    with TestClient(App.create_app(page), base_url="http://127.0.0.1") as client:
        records = ask(client, ask="list")["records"]
    assert [record["id"] for record in records] == ["run"]


def test_the_frame_holds_the_colors_of_every_scale() -> None:
    frame = tab.build_frame()
    for scale in ("log", "linear", "signed", "delta-e"):
        assert f"&quot;{scale}&quot;" in frame


def test_sending_is_offered_where_the_host_can(history: History) -> None:
    bound = []
    tab.build_tab(history, lambda button, target, picture: bound.append((button.elem_id, target)))
    assert bound == [
        ("bleed_guard_send_to_inpaint", "inpaint"),
        ("bleed_guard_send_to_extras", "extras"),
    ]
