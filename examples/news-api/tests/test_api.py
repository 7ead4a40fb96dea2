from datetime import datetime, timezone

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from app.store import Store

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def client() -> TestClient:
    return TestClient(create_app(Store(clock=lambda: NOON)))


def publish(client: TestClient, title: str, *tags: str) -> dict:
    response = client.post("/news", json={"title": title, "body": "text", "tags": list(tags)})
    assert response.status_code == 201
    return response.json()


def test_health_names_the_version(client):
    assert client.get("/health").json() == {"status": "ok", "version": "dev"}


def test_an_article_can_be_read_after_it_was_published(client):
    article = publish(client, "First", "local")
    assert article == {"id": 1, "title": "First", "body": "text", "tags": ["local"], "published_at": "2026-01-02T12:00:00Z"}
    assert client.get("/news/1").json() == article


def test_the_list_is_newest_first(client):
    for title in ("First", "Second", "Third"):
        publish(client, title)
    assert [it["title"] for it in client.get("/news").json()] == ["Third", "Second", "First"]
    assert [it["title"] for it in client.get("/news", params={"limit": 1}).json()] == ["Third"]


def test_the_list_can_be_narrowed_to_a_tag(client):
    publish(client, "Sun", "weather")
    publish(client, "Goal", "sport")
    assert [it["title"] for it in client.get("/news", params={"tag": "sport"}).json()] == ["Goal"]


def test_an_unknown_article_is_not_found(client):
    response = client.get("/news/7")
    assert response.status_code == 404
    assert response.json() == {"detail": "there is no article 7"}


@pytest.mark.parametrize("article", [{}, {"title": "", "body": "text"}, {"title": "x" * 201, "body": "text"}, {"title": "No text"}])
def test_an_incomplete_article_is_refused(client, article):
    assert client.post("/news", json=article).status_code == 422


@pytest.mark.parametrize("limit", [0, 101, "many"])
def test_a_limit_out_of_bounds_is_refused(client, limit):
    assert client.get("/news", params={"limit": limit}).status_code == 422


def test_stores_do_not_share_articles(client):
    publish(client, "First")
    assert TestClient(create_app()).get("/news").json() == []
