"""The shadow prices of a plan: what one more unit of its budget and capacities would bring. `prices.json` holds them.

With them, one customer can be decided alone, by the same rule as in the plan.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from regulars.actions.catalogue import Catalogue
from regulars.errors import BundleError

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class ShadowPrices(BaseModel):
    """What `regulars plan --prices` writes: the catalogue, the margin, and the plan's shadow prices.

    `budget` is profit per unit of money. `actions` is profit in minor units per customer: the price of the action's own
    capacity plus that of its channel.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = Field(default=1, ge=1, le=1)
    as_of: datetime
    horizon_days: int = Field(ge=1)
    margin: Annotated[float, Field(gt=0, le=1)]
    catalogue: Catalogue
    budget: Price
    actions: dict[str, Price]


def read_shadow_prices(path: Path) -> ShadowPrices:
    """Read a file of shadow prices. BundleError: it is absent or has another content."""
    try:
        return ShadowPrices.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise BundleError(
            f'no shadow prices at {path}; write them with "regulars plan ... --prices {path.name}"'
        ) from error
    except (OSError, ValidationError) as error:
        raise BundleError(
            f'{path} has no shadow prices of a plan; write them with "regulars plan ... --prices {path.name}"'
        ) from error
