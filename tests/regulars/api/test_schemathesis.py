"""Random requests: every function's app keeps its contract, through ASGI without a network.

Schemathesis is a development tool that may be absent.
"""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from regulars.api.app import create_app
from regulars.api.contract.responses import ROUTES
from tests.properties import examples

schemathesis: Any = pytest.importorskip("schemathesis")
pytest.importorskip("schemathesis.specs.openapi.schemas")

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
"""No 5xx; statuses, media types and headers that are documented; bodies as their schemas say."""


def cases(schema: Any) -> st.SearchStrategy[Any]:
    """Draw requests of every route, as the contract allows them and as it does not."""
    routes = [result.ok() for result in schema.get_all_operations()]
    assert len(routes) == 3
    return st.one_of(
        [route.as_strategy(generation_mode=mode) for route in routes for mode in schemathesis.GenerationMode]
    )


@pytest.mark.hypothesis  # its `given` is inside
@pytest.mark.parametrize("route", ROUTES)
def test_an_app_keeps_to_its_contract(cold: pytest.MonkeyPatch, bundle_folder: Path, route: str) -> None:
    cold.setenv("REGULARS_BUNDLE", str(bundle_folder))
    schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(route))
    from schemathesis.checks import CHECKS as known  # noqa: PLC0415, N811 - after the loader has filled it

    checks = [known.get_one(name) for name in CHECKS]

    @given(case=cases(schema))
    @settings(
        max_examples=examples(0.3),
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    def keeps(case: Any) -> None:
        case.call_and_validate(checks=checks)

    keeps()
