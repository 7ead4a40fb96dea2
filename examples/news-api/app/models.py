"""What goes over the wire."""

from datetime import datetime

from pydantic import BaseModel, Field


class NewArticle(BaseModel):
    """An article as a client sends it."""

    title: str = Field(min_length=1, max_length=200)
    body: str = Field(min_length=1)
    tags: list[str] = Field(default_factory=list)


class Article(NewArticle):
    """An article as the service keeps it."""

    id: int
    published_at: datetime
