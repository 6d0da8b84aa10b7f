"""Every feature is in one group and has a wording."""

import re
from collections import Counter

import pytest

from regulars.models.reasons import GROUPS, PURCHASE_HISTORY, group_of
from regulars.models.reasons.groups import columns_by_group
from regulars.models.reasons.phrases import PHRASES
from tests.conftest import ROOT


def columns() -> list[str]:
    """Return the columns of customer_features.sql, without the id."""
    text = (ROOT / "sql" / "features" / "customer_features.sql").read_text(encoding="utf-8")
    select = text.partition("\nselect\n")[2].partition("\nfrom ")[0]
    names = re.findall(r"^ +(?:\w+\.)?(\w+),?(?: --.*)?$", select, flags=re.MULTILINE)
    return [name for name in names if name != "customer_id"]


def test_every_feature_has_one_group() -> None:
    named = Counter(name for features in GROUPS.values() for name in features)
    assert len(columns()) > 50
    assert sorted(columns()) == sorted(named.keys() - set(GROUPS[PURCHASE_HISTORY]))
    assert [name for name, count in named.items() if count > 1] == []


@pytest.mark.parametrize("name", [name for name in columns() if group_of(name) != "rfm"])
def test_every_feature_of_the_models_has_a_wording(name: str) -> None:
    assert name in PHRASES or name.endswith("_trend_90d") or name in ("recency_days", "overdue_ratio")


def test_a_feature_without_a_group_is_its_own_group() -> None:
    """Such as one from another version's SQL."""
    assert group_of("shoe_size") == "shoe_size"
    assert columns_by_group(["orders_90d", "shoe_size", "recency_days", "spend_90d_cents"]) == {
        "recent_activity": [0, 3],
        "shoe_size": [1],
        "recency": [2],
    }
