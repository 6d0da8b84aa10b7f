"""POST /recommend: the plan in the bundle decides for each customer, alone or among many, known or new."""

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


def request(*names: str, orders: list[dict[str, Any]] = ORDERS) -> dict[str, Any]:
    return {"as_of": "2025-07-01T00:00:00Z", "customers": [{"customer_id": name, "orders": orders} for name in names]}


def prices_of(bundle: Bundle) -> ShadowPrices:
    return ShadowPrices.model_validate_json((bundle.path / "recommend" / "prices.json").read_bytes())


def published(bundle: Bundle, folder: Path, **changes: Any) -> Path:
    """Return a bundle whose plan differs."""
    listed = prices_of(bundle).model_copy(update=changes)
    (folder / "prices.json").write_text(ShadowPrices.model_validate(listed.model_dump()).model_dump_json())
    return publish(bundle, folder / "prices.json", folder / "bundle").path


def test_a_new_customer_gets_an_action_that_pays_or_none(call: Call) -> None:
    names = [f"N{number}" for number in range(200)]
    results = call("recommend", request(*names))[1]["json"]["results"]
    assert [advice["customer_id"] for advice in results] == names
    treated = [advice for advice in results if advice["arm"] == "treated"]
    assert treated
    assert all(advice["action"] in {"email", "voucher", "call"} and advice["expected_profit"] > 0 for advice in treated)
    held = [advice for advice in results if advice["arm"] == "control"]
    assert 5 <= len(held) <= 40  # each of the 200 is drawn with probability 0.1, by its id
    assert all(advice["cost"] == advice["expected_profit"] == 0 and advice["action"] for advice in held)
    assert all(advice["reason"] for advice in results)


def test_a_customer_alone_gets_the_same_as_among_many(call: Call) -> None:
    names = [f"N{number}" for number in range(20)]
    many = call("recommend", request(*names))[1]["json"]["results"]
    assert [call("recommend", request(name))[1]["json"]["results"][0] for name in names] == many


def test_a_high_price_of_the_budget_leaves_no_action(
    cold: pytest.MonkeyPatch, call: Call, bundle: Bundle, tmp_path: Path
) -> None:
    """The reason says why."""
    cold.setenv("REGULARS_BUNDLE", str(published(bundle, tmp_path, budget=1e9)))
    [advice] = call("recommend", request("N1"))[1]["json"]["results"]
    assert (advice["action"], advice["arm"], advice["cost"]) == (None, None, 0.0)
    assert "other customers" in advice["reason"]


def test_the_error_for_a_bundle_without_a_plan_says_how_to_add_one(
    cold: pytest.MonkeyPatch, call: Call, bundle: Bundle, tmp_path: Path
) -> None:
    files = {
        name: bundle.file(name).read_bytes() for name in bundle.manifest.files if not name.startswith("recommend/")
    }
    cold.setenv("REGULARS_BUNDLE", str(rewrite(tmp_path / "bare", files, bundle.manifest).path))
    status, answer = call("recommend", request("N1"))
    assert status == 503
    assert "carries no plan" in answer["json"]["detail"]
    assert "regulars publish" in answer["json"]["detail"]


def test_the_error_of_a_bad_catalogue_names_no_customer(
    cold: pytest.MonkeyPatch, call: Call, bundle: Bundle, tmp_path: Path
) -> None:
    """`regulars plan` names the customer of a negative cost; the API does not."""
    listed = json.loads(prices_of(bundle).model_dump_json())
    listed["catalogue"]["action"][0]["cost"] = "-predicted_value"
    changed = ShadowPrices.model_validate(listed)
    cold.setenv("REGULARS_BUNDLE", str(published(bundle, tmp_path, catalogue=changed.catalogue)))
    status, answer = call("recommend", request("SECRET"))
    assert status == 503
    assert "cannot be applied" in answer["json"]["detail"]
    assert "SECRET" not in answer["body"]


def test_publish_writes_a_new_bundle_with_all_other_files(bundle: Bundle, tmp_path: Path) -> None:
    made = Bundle(published(bundle, tmp_path, budget=0.25))
    made.verify()
    assert made.manifest.bundle != bundle.manifest.bundle
    changed = {name for name, entry in made.manifest.files.items() if entry != bundle.manifest.files[name]}
    assert changed == {"recommend/prices.json"}
    again = Path(shutil.copytree(bundle.path, tmp_path / "again"))
    assert publish(Bundle(again), tmp_path / "prices.json", again).manifest == made.manifest


def test_another_horizon_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"made for 30 days, bundle .* predicts 90"):
        published(bundle, tmp_path, horizon_days=30)


def test_the_plan_of_these_tests_uses_the_example_catalogue(bundle: Bundle) -> None:
    text = (ROOT / "examples" / "actions.toml").read_text()
    assert all(f'name = "{name}"' in text for name in prices_of(bundle).catalogue.actions)
