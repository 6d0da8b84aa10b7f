"""POST /recommend: the plan in the bundle decides for whoever asks, alone or among many, seen or unseen."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from regulars.actions.shadow_prices import ShadowPrices
from regulars.errors import CatalogueError
from regulars.models.bundle import Bundle
from regulars_training.export.package import rewrite
from regulars_training.export.publish import publish
from tests.conftest import ROOT, Call

ORDERS = [{"ordered_at": f"2025-{month:02}-03T10:00:00Z", "order_value": 80.0 + month} for month in range(1, 7)]


def asked(*names: str, orders: list[dict[str, Any]] = ORDERS) -> dict[str, Any]:
    return {"as_of": "2025-07-01T00:00:00Z", "customers": [{"customer_id": name, "orders": orders} for name in names]}


def prices_of(bundle: Bundle) -> ShadowPrices:
    return ShadowPrices.model_validate_json((bundle.path / "recommend" / "prices.json").read_bytes())


def published(bundle: Bundle, folder: Path, **changes: Any) -> Path:
    """Return a bundle whose plan differs."""
    listed = prices_of(bundle).model_copy(update=changes)
    (folder / "prices.json").write_text(ShadowPrices.model_validate(listed.model_dump()).model_dump_json())
    return publish(bundle, folder / "prices.json", folder / "bundle").path


def test_an_unseen_customer_gets_an_action_that_pays_or_none(call: Call) -> None:
    names = [f"N{number}" for number in range(200)]
    results = call("recommend", asked(*names))[1]["json"]["results"]
    assert [one["customer_id"] for one in results] == names
    treated = [one for one in results if one["arm"] == "treated"]
    assert treated
    assert all(one["action"] in {"email", "voucher", "call"} and one["expected_profit"] > 0 for one in treated)
    held = [one for one in results if one["arm"] == "control"]
    assert 5 <= len(held) <= 40  # a lot of a tenth of 200, drawn by each one's id
    assert all(one["cost"] == one["expected_profit"] == 0 and one["action"] for one in held)
    assert all(one["reason"] for one in results)


def test_alone_is_as_among_many_and_a_rerun_the_same(call: Call) -> None:
    names = [f"N{number}" for number in range(20)]
    many = call("recommend", asked(*names))[1]["json"]["results"]
    assert [call("recommend", asked(name))[1]["json"]["results"][0] for name in names] == many


def test_a_dear_budget_buys_nothing(cold: pytest.MonkeyPatch, call: Call, bundle: Bundle, tmp_path: Path) -> None:
    """Shadow prices above every return leave everybody alone, and say why."""
    cold.setenv("REGULARS_BUNDLE", str(published(bundle, tmp_path, budget=1e9)))
    [one] = call("recommend", asked("N1"))[1]["json"]["results"]
    assert (one["action"], one["arm"], one["cost"]) == (None, None, 0.0)
    assert "other customers" in one["reason"]


def test_a_bundle_without_a_plan_says_how_to_add_one(
    cold: pytest.MonkeyPatch, call: Call, bundle: Bundle, tmp_path: Path
) -> None:
    files = {
        name: bundle.file(name).read_bytes() for name in bundle.manifest.files if not name.startswith("recommend/")
    }
    cold.setenv("REGULARS_BUNDLE", str(rewrite(tmp_path / "bare", files, bundle.manifest).path))
    status, answer = call("recommend", asked("N1"))
    assert status == 503
    assert "carries no plan" in answer["json"]["detail"]
    assert "regulars publish" in answer["json"]["detail"]


def test_a_catalogue_that_does_not_hold_names_no_customer(
    cold: pytest.MonkeyPatch, call: Call, bundle: Bundle, tmp_path: Path
) -> None:
    """A cost below zero is refused with the customer's id where a plan is made, and without it where one is served."""
    listed = json.loads(prices_of(bundle).model_dump_json())
    listed["catalogue"]["action"][0]["cost"] = "-predicted_value"
    changed = ShadowPrices.model_validate(listed)
    cold.setenv("REGULARS_BUNDLE", str(published(bundle, tmp_path, catalogue=changed.catalogue)))
    status, answer = call("recommend", asked("SECRET"))
    assert status == 503
    assert "cannot be applied" in answer["json"]["detail"]
    assert "SECRET" not in answer["body"]


def test_publishing_is_a_new_bundle_that_keeps_the_rest(bundle: Bundle, tmp_path: Path) -> None:
    made = Bundle(published(bundle, tmp_path, budget=0.25))
    made.verify()
    assert made.manifest.bundle != bundle.manifest.bundle
    changed = {name for name, entry in made.manifest.files.items() if entry != bundle.manifest.files[name]}
    assert changed == {"recommend/prices.json"}
    again = Path(shutil.copytree(bundle.path, tmp_path / "again"))
    assert publish(Bundle(again), tmp_path / "prices.json", again).manifest == made.manifest


def test_another_horizon_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"made for 30 days, bundle .* answers for 90"):
        published(bundle, tmp_path, horizon_days=30)


def test_the_examples_catalogue_is_the_plan_of_the_tests(bundle: Bundle) -> None:
    """What the README's catalogue offers is what these tests exercise."""
    text = (ROOT / "examples" / "actions.toml").read_text()
    assert all(f'name = "{name}"' in text for name in prices_of(bundle).catalogue.actions)
