"""The page where Google Cloud shows what was written about a render."""

from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from functions.logs_page import logs_page
from tests.unit.makers import NOW


def test_the_page_asks_for_the_render_and_its_time_in_its_project() -> None:
    url = urlsplit(logs_page("acme-video", "r-7f", NOW, NOW + timedelta(hours=1)))
    assert (url.scheme, url.netloc) == ("https", "console.cloud.google.com")
    assert parse_qs(url.query) == {"project": ["acme-video"]}
    path, _, query = url.path.partition(";query=")
    assert path == "/logs/query"
    assert unquote(query).splitlines() == [
        '"r-7f"',
        'timestamp>="2026-03-01T12:00:00Z"',
        'timestamp<="2026-03-01T13:00:00Z"',
    ]


def test_what_an_id_holds_is_looked_for_and_no_query() -> None:
    url = logs_page("p", 'r-"; OR ?x=1&y', NOW, NOW)
    assert urlsplit(url).query == "project=p"
    first = unquote(urlsplit(url).path.partition(";query=")[2]).splitlines()[0]
    assert first == '"r-\\"; OR ?x=1&y"'
