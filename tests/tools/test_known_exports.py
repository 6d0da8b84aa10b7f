"""The table of known exports is up to date."""

from regulars.ingest.exports.recognise import known
from tools.docs.known_exports import PAGE, page


def test_the_section_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "run python -m tools.docs.known_exports"


def test_every_export_says_where_it_is_documented() -> None:
    for export in known():
        assert all(source.startswith("https://") for source in export.about.sources), export.key
