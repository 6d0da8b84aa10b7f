"""Recommendations for scored customers, by the shadow prices in the bundle."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import duckdb
from pydantic import Field

from regulars.actions.effects.effect import EffectSource
from regulars.actions.effects.sources import effect_sources
from regulars.actions.recommend import Recommendation, compiled_for, recommend
from regulars.actions.shadow_prices import ShadowPrices, read_shadow_prices
from regulars.errors import BundleError, CatalogueError
from regulars.features.table import FeatureTable
from regulars.models.bundle import Bundle
from regulars.models.tasks import Prediction, Result

FOLDER = "recommend"
PRICES = f"{FOLDER}/prices.json"


class Advice(Result):
    """The action to take for a customer, by the shadow prices of the plan in the bundle; money in major units."""

    action: str | None = Field(description="name in the catalogue; null when no action pays", examples=["voucher"])
    channel: str | None = Field(description="the action's channel", examples=["email"])
    arm: Literal["treated", "control"] | None = Field(
        description="control: do nothing, so that the action's effect can be measured", examples=["treated"]
    )
    cost: float = Field(ge=0, description="expected cost", examples=[2.35])
    expected_profit: float = Field(description="expected extra margin over the horizon, less the cost", examples=[4.1])
    expected_profit_low: float = Field(description="lower end of its 80 % interval", examples=[-0.4])
    expected_profit_high: float = Field(description="upper end of its 80 % interval", examples=[9.8])
    break_even_effect: float | None = Field(
        description="effect at which the action just pays its cost, in the unit of its effect; null when none does",
        examples=[-0.03],
    )
    reason: str = Field(
        description="why this action, or why none", examples=["voucher: brings 6.45 for 2.35, churn 0.41"]
    )


class Advisor:
    """A bundle's shadow prices and the sources of its effects, opened at first use."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._compiled: Any = None  # the catalogue's expressions, after the first call

    @cached_property
    def shadow_prices(self) -> ShadowPrices:
        """The plan's shadow prices. BundleError: the bundle carries no plan."""
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
                self._bundle.file(name)  # verifies the hash
        return effect_sources(self.shadow_prices.catalogue, self._bundle.path / FOLDER)

    @property
    def carried(self) -> bool:
        """Whether the bundle carries a plan."""
        return PRICES in self._bundle.manifest.files

    def advise(
        self, connection: duckdb.DuckDBPyConnection, table: FeatureTable, predictions: Mapping[str, Prediction]
    ) -> list[Recommendation]:
        """Return the recommendation for each customer of `table` by every task's predictions. BundleError: no plan."""
        columns = _columns(table, predictions)
        try:
            if self._compiled is None:  # the columns are the same every time
                self._compiled = compiled_for(connection, columns, self.shadow_prices)
            return recommend(connection, columns, self.shadow_prices, self._sources, self._compiled)
        except CatalogueError as error:  # its message may name a customer
            raise BundleError(
                f"the catalogue of bundle {self._bundle.manifest.bundle} cannot be applied to these customers; "
                "plan with a catalogue whose expressions work for all customers, and publish it again"
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
    """Return all columns that a catalogue may name: features, and predictions as in a score file."""
    columns: dict[str, Any] = {"customer_id": table.customer_ids, **table.columns}
    for prediction in predictions.values():
        for name, values in prediction.columns.items():
            columns[name] = values.astype("datetime64[us]") if values.dtype.kind == "M" else values
    return columns
