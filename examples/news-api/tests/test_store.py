from datetime import timezone

from app.models import NewArticle
from app.store import Store


def test_articles_are_stamped_in_utc():
    assert Store().add(NewArticle(title="First", body="text")).published_at.tzinfo == timezone.utc


def test_an_empty_store_finds_nothing():
    store = Store()
    assert store.get(1) is None
    assert store.newest_first() == []
