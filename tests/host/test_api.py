"""Our routes: what they answer, and that they stand behind the host's own doors."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from fastapi.testclient import TestClient
from gradio import routes

from bleed_guard.core.job import Verdict
from bleed_guard.core.record import GenerationRecord, ImageRecord
from bleed_guard.core.settings import PRESETS, SCHEMA, GuardSettings
from bleed_guard.host import api, presets

pytestmark = [
    pytest.mark.usefixtures("host"),
    pytest.mark.filterwarnings(r"ignore:\s*on_event is deprecated:DeprecationWarning"),
]
ROUTES = ("schema", "presets", "last-report")


def make_record(name: str, owner: str = "") -> GenerationRecord:
    image = ImageRecord(0, Verdict.CLEAN, 100, 0, 0)
    return GenerationRecord(name, 0.0, (image,), owner=owner)


class History:
    """The newest record of each owner."""

    revision = 0

    def add(self, record: GenerationRecord) -> None:
        self._records = (record, *self._records)

    def __init__(self, *records: GenerationRecord) -> None:
        self._records = records

    def latest(self, owner: str = "") -> GenerationRecord | None:
        return next((record for record in self._records if record.owner == owner), None)

    def get(self, record_id: str, owner: str = "") -> GenerationRecord | None:
        return next((record for record in self.list(owner) if record.id == record_id), None)

    def list(self, owner: str = "") -> tuple[GenerationRecord, ...]:
        return tuple(record for record in self._records if record.owner == owner)


HISTORY = History(make_record("anna's", "anna"), make_record("everybody's"))


def check_password(credentials: HTTPBasicCredentials = Depends(HTTPBasic())) -> None:  # noqa: B008
    if (credentials.username, credentials.password) != ("bob", "secret"):
        raise HTTPException(401, "Incorrect username or password")


def add_host_api(app: FastAPI, *, api_auth: bool = False) -> None:
    guards = [Depends(check_password)] if api_auth else []
    app.add_api_route("/sdapi/v1/options", lambda: {}, methods=["GET"], dependencies=guards)


def make_app(*, api_auth: bool = False, has_api: bool = True) -> FastAPI:
    """A server without a page, as under --nowebui."""
    app = FastAPI()
    if has_api:
        add_host_api(app, api_auth=api_auth)
    api.add_routes(app, HISTORY)
    return app


def make_page(*, gradio_auth: bool, api_auth: bool = False) -> FastAPI:
    """A real gradio page with the host's API beside it."""
    with gr.Blocks() as demo:
        gr.Textbox()
    if gradio_auth:
        demo.auth = [("anna", "pass")]
        demo.auth_message = None
    app: FastAPI = routes.App.create_app(demo)
    add_host_api(app, api_auth=api_auth)
    api.add_routes(app, HISTORY)
    return app


def statuses(client: TestClient, **options: Any) -> set[int]:
    return {client.get(f"/bleed-guard/v1/{name}", **options).status_code for name in ROUTES}


def test_without_the_hosts_api_there_are_no_routes() -> None:
    assert statuses(TestClient(make_app(has_api=False))) == {404}


def test_the_routes_answer_where_the_host_asks_nobody() -> None:
    assert statuses(TestClient(make_app())) == {200}
    assert statuses(TestClient(make_page(gradio_auth=False))) == {200}


def test_api_auth_is_asked_for() -> None:
    client = TestClient(make_app(api_auth=True))
    assert statuses(client) == {401}
    assert statuses(client, auth=("bob", "wrong")) == {401}
    assert statuses(client, auth=("bob", "secret")) == {200}


def test_gradio_auth_is_asked_for_and_shows_the_users_own_report() -> None:
    client = TestClient(make_page(gradio_auth=True))
    assert statuses(client) == {401}
    assert client.post("/login", data={"username": "anna", "password": "pass"}).status_code == 200
    assert statuses(client) == {200}
    assert client.get("/bleed-guard/v1/last-report").json()["id"] == "anna's"


def test_api_auth_beside_gradio_auth_does_not_show_a_users_report() -> None:
    client = TestClient(make_page(gradio_auth=True, api_auth=True))
    assert statuses(client) == {401}
    assert statuses(client, auth=("bob", "secret")) == {200}
    answer = client.get("/bleed-guard/v1/last-report", auth=("bob", "secret"))
    assert answer.json()["id"] == "everybody's"


def test_the_schema_is_the_order_of_positional_arguments() -> None:
    settings = TestClient(make_app()).get("/bleed-guard/v1/schema").json()["settings"]
    assert [entry["default"] for entry in settings] == GuardSettings().to_args()
    feather = next(entry for entry in settings if entry["name"] == "feather")
    assert (feather["type"], feather["minimum"], feather["maximum"]) == ("int", 0, 64)
    assert [entry["label"] for entry in settings] == [setting.label for setting in SCHEMA]


def test_presets_with_the_users_own_can_be_sent_back() -> None:
    presets.shared_store().save("faces", GuardSettings(feather=9))
    answer = TestClient(make_app()).get("/bleed-guard/v1/presets").json()
    assert list(answer["presets"]) == [*PRESETS, "faces"]
    assert answer["complaints"] == []
    for name, preset in PRESETS.items():
        sent = GuardSettings.from_args([answer["presets"][name]])
        assert (sent.settings, sent.complaints) == (preset, ())


def test_the_last_report() -> None:
    report = TestClient(make_app()).get("/bleed-guard/v1/last-report").json()
    assert (report["id"], report["verdict"]) == ("everybody's", "clean")


def test_no_report_yet_is_one_sentence() -> None:
    app = FastAPI()
    add_host_api(app)
    api.add_routes(app, History())
    answer = TestClient(app).get("/bleed-guard/v1/last-report")
    assert (answer.status_code, answer.json()) == (
        404,
        {"detail": "there is no guarded generation yet"},
    )
