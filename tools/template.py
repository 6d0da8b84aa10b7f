"""template.yaml as Python values."""

from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).parents[1] / "template.yaml"


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms: `!Ref Api` as {"Ref": "Api"}, `!GetAtt A.B` as {"Fn::GetAtt": "A.B"}."""


def _short_form(loader: Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    raise TypeError(f"template.yaml: !{tag} has neither a value nor a list")


Loader.add_multi_constructor("!", _short_form)


def template() -> dict[str, Any]:
    """Return the template."""
    content: dict[str, Any] = yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader)  # noqa: S506 - a safe loader
    return content


def function_layers() -> dict[str, list[str]]:
    """Return the short names of each function's layers, by the function's folder."""
    content = template()
    common = content["Globals"]["Function"].get("Layers", [])
    return {
        Path(resource["Properties"]["CodeUri"]).name: [
            layer["Ref"].removesuffix("Layer").lower() for layer in [*common, *resource["Properties"].get("Layers", [])]
        ]
        for resource in content["Resources"].values()
        if resource["Type"] == "AWS::Serverless::Function"
    }
