"""engagement and customer_features: points of 90 days on a scale of 0 to 100, null without an event."""

import pytest

from regulars.features.cut_points import CUT_POINTS, HISTOGRAM
from regulars.features.relations import APPLIED, BASE, RFM
from tests.sql.conftest import Given, RunSql
from tests.sql.rows import event, order

KINDS = {
    "email_open": "email_opens_90d",
    "email_click": "email_clicks_90d",
    "site_visit": "site_visits_90d",
    "support_ticket": "support_tickets_90d",
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("days", "ticks", "seen"),
    [(0, 0, []), (0, -1, [(1,)]), (90, 0, [(1,)]), (90, -1, [(0,)])],
    ids=["at as_of", "just before as_of", "at the edge", "past the edge"],
)
def test_the_window_is_half_open(
    given: Given, run_sql: RunSql, kind: str, days: int, ticks: int, seen: list[object]
) -> None:
    """An event at as_of is not seen, one exactly 90 days before counts, a microsecond earlier does not."""
    given("events", [event(days, kind, ticks=ticks)])
    assert run_sql("engagement", KINDS[kind]) == seen


@pytest.mark.parametrize(
    ("kinds", "score"),
    [
        (["site_visit"] * 5, 50.0),
        (["email_click", "email_click", "email_click", "email_open"], 50.0),
        (["site_visit"] * 5 + ["email_open"] * 20, 75.0),
        (["email_sent"], 0.0),
        (["unheard_of"], 0.0),
        (["site_visit"] * 7 + ["support_ticket"], 50.0),
        (["support_ticket", "email_open"], 0.0),
    ],
)
def test_ten_points_score_fifty(given: Given, run_sql: RunSql, kinds: list[str], score: float) -> None:
    """An open is 1 point, a visit 2, a click 3, a ticket -4; the sum is at least 0."""
    given("events", [event(1 + n / 100, kind) for n, kind in enumerate(kinds)])
    assert run_sql("engagement", "engagement_score") == [(score,)]


def test_old_events_do_not_score_but_tickets_are_counted(given: Given, run_sql: RunSql) -> None:
    given("events", [event(200, "support_ticket"), event(150, "site_visit"), event(100, "email_open")])
    columns = ("engagement_score", "support_tickets_90d", "support_tickets", "days_since_visit")
    assert run_sql("engagement", *columns) == [(0.0, 0, 1, 150.0)]


def test_the_open_rate_needs_mails(given: Given, run_sql: RunSql) -> None:
    given("events", [event(1, "email_sent"), event(2, "email_sent"), event(1, "email_open")])
    assert run_sql("engagement", "email_open_rate_90d") == [(0.5,)]
    given("events", [event(1, "email_open")])
    assert run_sql("engagement", "email_open_rate_90d", "days_since_visit") == [(None, None)]


def test_tickets_are_unresolved_until_an_event_resolves_them(given: Given, run_sql: RunSql) -> None:
    """Never negative, even if tickets from before the history were resolved."""
    ticket, resolved = event(9, "support_ticket"), event(5, "support_resolved")
    for rows, open_tickets in (([ticket, ticket, resolved], 1), ([ticket], 1), ([resolved], 0)):
        given("events", rows)
        assert run_sql("engagement", "support_unresolved") == [(open_tickets,)]


def test_the_last_30_days_are_counted_apart(given: Given, run_sql: RunSql) -> None:
    given("events", [event(30, "site_visit"), event(31, "site_visit"), event(30, "email_open", ticks=-1)])
    assert run_sql("engagement", "site_visits_30d", "site_visits_90d", "email_opens_30d") == [(1, 2, 0)]


CHAIN = (*BASE, RFM, HISTOGRAM, CUT_POINTS, *APPLIED[:-1])


def test_every_buyer_has_one_row_of_features(given: Given, run_sql: RunSql) -> None:
    """Engagement is null without an event; a customer without an order has no row."""
    given("orders", [order(5, 100, "silent"), order(3, 100, "seen"), order(9, 100, "seen")])
    given("events", [event(1, "site_visit", "seen"), event(1, "site_visit", "browser")])
    given("customers", [{"customer_id": "browser"}, {"customer_id": "seen"}])
    for name in CHAIN:
        run_sql(name, "count(*)")
    columns = ("customer_id", "order_count", "engagement_score is null", "site_visits_90d", "gap_mean_days")
    expected = [("seen", 2, False, 1, 6.0), ("silent", 1, True, None, None)]
    assert run_sql("customer_features", *columns) == expected
