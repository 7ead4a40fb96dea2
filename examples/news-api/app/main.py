"""The HTTP interface."""

import os

from fastapi import FastAPI, HTTPException, Query

from app.models import Article, NewArticle
from app.store import Store


def create_app(store: Store | None = None) -> FastAPI:
    """Builds the service around a store, an empty one by default."""
    articles = store or Store()
    app = FastAPI(title="news-api", version=os.environ.get("APP_VERSION", "dev"))

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok", "version": app.version}

    @app.get("/news")
    def list_news(tag: str | None = None, limit: int = Query(default=20, ge=1, le=100)) -> list[Article]:
        return articles.newest_first(tag, limit)

    @app.get("/news/{article_id}")
    def get_news(article_id: int) -> Article:
        article = articles.get(article_id)
        if article is None:
            raise HTTPException(status_code=404, detail=f"there is no article {article_id}")
        return article

    @app.post("/news", status_code=201)
    def create_news(new: NewArticle) -> Article:
        return articles.add(new)

    return app


app = create_app()
