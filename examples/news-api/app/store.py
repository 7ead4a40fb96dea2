"""Articles in memory; they are gone when the process ends."""

from collections.abc import Callable
from datetime import datetime, timezone

from app.models import Article, NewArticle


def now() -> datetime:
    return datetime.now(timezone.utc)


class Store:
    """Keeps articles under ascending numbers, from 1."""

    def __init__(self, clock: Callable[[], datetime] = now) -> None:
        self._articles: dict[int, Article] = {}
        self._clock = clock

    def add(self, new: NewArticle) -> Article:
        article = Article(id=len(self._articles) + 1, published_at=self._clock(), **new.model_dump())
        self._articles[article.id] = article
        return article

    def get(self, article_id: int) -> Article | None:
        return self._articles.get(article_id)

    def newest_first(self, tag: str | None = None, limit: int = 20) -> list[Article]:
        found = [it for it in reversed(self._articles.values()) if tag is None or tag in it.tags]
        return found[:limit]
