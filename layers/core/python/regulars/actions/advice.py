"""What to do for customers that are scored: a plan's own rule, by the price list that travels in the bundle."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import duckdb
from pydantic import Field

from regulars.actions.effects import EffectSource
from regulars.actions.recommend import Recommendation, compiled_for, recommend
from regulars.actions.shadow_prices import ShadowPrices, read_shadow_prices
from regulars.actions.sources import effect_sources
from regulars.errors import BundleError, CatalogueError
from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.tasks import Prediction, Result

FOLDER = "recommend"
PRICES = f"{FOLDER}/prices.json"


class Advice(Result):
    """The action worth paying for, by the prices of the plan that the bundle carries; money in major units."""

    action: str | None = Field(description="of the catalogue; null where none pays", examples=["voucher"])
    channel: str | None = Field(description="the action's channel", examples=["email"])
    arm: Literal["treated", "control"] | None = Field(
        description="control: leave alone, to measure the action by", examples=["treated"]
    )
    cost: float = Field(ge=0, description="expected cost", examples=[2.35])
    expected_profit: float = Field(description="expected extra margin in the horizon, less the cost", examples=[4.1])
    expected_profit_low: float = Field(description="lower end of its 80 % interval", examples=[-0.4])
    expected_profit_high: float = Field(description="upper end of its 80 % interval", examples=[9.8])
    break_even_effect: float | None = Field(
        description="effect at which the action pays just its cost, in the unit of the action's effect; null: none",
        examples=[-0.03],
    )
    reason: str = Field(
        description="why this action, or why none, in words", examples=["voucher: brings 6.45 for 2.35, churn 0.41"]
    )


class Advisor:
    """A bundle's price list, its catalogue and the sources of its effects; opened at first use."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._compiled: Any = None  # of the catalogue, when first asked

    @cached_property
    def shadow_prices(self) -> ShadowPrices:
        """Return the price list; BundleError where the bundle carries none."""
        if not self.carried:
            raise BundleError(
                f"bundle {self._bundle.manifest.bundle} carries no plan; add one with "
                '"regulars plan ... --prices prices.json" and "regulars publish"'
            )
        return read_shadow_prices(self._bundle.file(PRICES))

    @cached_property
    def _sources(self) -> Mapping[str, EffectSource]:
        for name in self._bundle.manifest.files:
            if name.startswith(f"{FOLDER}/"):
                self._bundle.file(name)  # verified by hash before anything opens it
        return effect_sources(self.shadow_prices.catalogue, self._bundle.path / FOLDER)

    @property
    def carried(self) -> bool:
        """Whether the bundle carries a plan."""
        return PRICES in self._bundle.manifest.files

    def advise(
        self, connection: duckdb.DuckDBPyConnection, table: FeatureTable, predictions: Mapping[str, Prediction]
    ) -> list[Recommendation]:
        """Return what to do for each customer of `table`, given every task's answers; BundleError without a plan."""
        columns = _columns(table, predictions)
        try:
            if self._compiled is None:  # the same every time: the columns are
                self._compiled = compiled_for(connection, columns, self.shadow_prices)
            return recommend(connection, columns, self.shadow_prices, self._sources, self._compiled)
        except CatalogueError as error:  # its text may name a customer
            raise BundleError(
                f"the catalogue of bundle {self._bundle.manifest.bundle} cannot be applied to these customers; "
                "plan with a catalogue whose expressions hold for all, and publish it again"
            ) from error


def to_dict(recommendation: Recommendation) -> dict[str, Any]:
    """Return a recommendation as the fields of Advice."""
    break_even = recommendation.break_even_effect
    return {
        "customer_id": recommendation.customer_id,
        "action": recommendation.action,
        "channel": recommendation.channel,
        "arm": recommendation.arm,
        "cost": round(recommendation.cost, 6),
        "expected_profit": round(recommendation.expected_profit, 6),
        "expected_profit_low": round(recommendation.low, 6),
        "expected_profit_high": round(recommendation.high, 6),
        "break_even_effect": None if break_even is None else round(break_even, 6),
        "reason": recommendation.reason,
    }


def _columns(table: FeatureTable, predictions: Mapping[str, Prediction]) -> dict[str, Any]:
    """Return all that a catalogue may name: features, and every task's answers as a score file has them."""
    columns: dict[str, Any] = {"customer_id": table.customer_ids, **table.columns}
    for prediction in predictions.values():
        for name, values in prediction.columns.items():
            columns[name] = values.astype("datetime64[us]") if values.dtype.kind == "M" else values
    return columns
