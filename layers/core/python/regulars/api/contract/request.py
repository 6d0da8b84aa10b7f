"""The contract of a scoring request."""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from regulars.api.contract.customers import AnyCustomer, UtcInstant

EXAMPLE: dict[str, JsonValue] = {
    "as_of": "2026-06-30T00:00:00Z",
    "customers": [
        {
            "customer_id": "C1",
            "signed_up_at": "2024-02-01",
            "acquisition_cost": 18.0,
            "orders": [{"ordered_at": "2026-03-02T10:00:00Z", "order_value": 42.5}],
            "events": [{"occurred_at": "2026-05-01T08:00:00Z", "kind": "email_open"}],
        }
    ],
}


class ScoringRequest(BaseModel):
    """Customers with their histories or ready features, and the instant to score them at."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": EXAMPLE})

    as_of: UtcInstant = Field(
        description="rows at or after it are ignored; ISO 8601, UTC unless it has an offset",
        examples=["2026-06-30T00:00:00Z"],
    )
    customers: list[AnyCustomer] = Field(
        min_length=1, description="each customer is checked on its own: a bad one is rejected alone"
    )
