"""The contract in docs is that of the apps, and it describes each field."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from regulars.api.app import ROUTES, create_app
from regulars.api.contract.responses import result_model
from regulars.models.tasks import TASKS
from tools.docs.openapi import PAGE, document

CONTRACT: dict[str, Any] = json.loads(document())
SCHEMAS: dict[str, Any] = CONTRACT["components"]["schemas"]
VERBS = {"get", "post"}


def test_the_file_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), "run python -m tools.docs.openapi"


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, schema in SCHEMAS.items():
        for field, properties in schema.get("properties", {}).items():
            yield f"{name}.{field}", properties


@pytest.mark.parametrize(("name", "field"), list(fields()), ids=lambda value: value if isinstance(value, str) else "")
def test_every_field_has_a_description_and_an_example(name: str, field: dict[str, Any]) -> None:
    """A field that consists of other components has their examples."""
    assert field.get("description") or "$ref" in field, name
    assert "examples" in field or "$ref" in json.dumps(field), name


def test_names_of_components_are_unique() -> None:
    assert not [name for name in SCHEMAS if "__" in name]
    assert {f"{route.capitalize()}Response" for route in ROUTES} <= set(SCHEMAS)


@pytest.mark.parametrize("task", TASKS)
def test_a_tasks_own_fields_are_in_the_contract(task: str) -> None:
    """The fields of a task's Answer, alone and in a profile."""
    own = set(TASKS[task].Answer.model_fields)
    assert own <= set(SCHEMAS[f"{task.capitalize()}Answer"]["properties"])
    assert own - {"customer_id"} <= set(SCHEMAS[f"{task.capitalize()}Part"]["properties"])
    assert set(result_model(task).model_fields) == set(SCHEMAS[f"{task.capitalize()}Answer"]["properties"])


@pytest.mark.parametrize("path", CONTRACT["paths"])
def test_every_route_is_versioned_and_lists_its_problems(path: str) -> None:
    assert path.startswith("/v1/")
    for verb in VERBS & set(CONTRACT["paths"][path]):
        for status, answer in CONTRACT["paths"][path][verb]["responses"].items():
            assert status in ("200", "304") or set(answer["content"]) == {"application/problem+json"}


@pytest.mark.parametrize("route", ROUTES)
def test_a_functions_own_app_has_its_part_of_the_contract(route: str) -> None:
    own = create_app(route).openapi()
    assert set(own["paths"]) == {f"/v1/{route}", "/v1/models", "/v1/health"}
    assert json.loads(json.dumps(own["paths"][f"/v1/{route}"])) == CONTRACT["paths"][f"/v1/{route}"]
