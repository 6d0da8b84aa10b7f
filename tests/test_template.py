"""What template.yaml must keep to, read as text: cheap enough for every run; `make sam` asks SAM itself."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from regulars.tasks import TASKS

from layers.build import PYTHON
from layers.lock import CLOSURE, PINS, closure, declared, pins

ROOT = Path(__file__).parents[1]
TASK_FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms: `!Ref Api` as {"Ref": "Api"}, `!GetAtt A.B` as {"Fn::GetAtt": "A.B"}."""


def _short_form(loader: Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    name = tag if tag == "Ref" else f"Fn::{tag}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    assert isinstance(node, yaml.SequenceNode)
    return {name: loader.construct_sequence(node, deep=True)}


Loader.add_multi_constructor("!", _short_form)
TEMPLATE: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), Loader)  # noqa: S506 - a safe one
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def of_type(kind: str) -> dict[str, Any]:
    """Return the properties of every resource of a type, by name."""
    return {name: each["Properties"] for name, each in RESOURCES.items() if each["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
BUCKETS = of_type("AWS::S3::Bucket")


def statements(part: Any) -> list[dict[str, Any]]:
    """Return every policy statement at any depth."""
    if isinstance(part, list):
        return [found for each in part for found in statements(each)]
    if not isinstance(part, dict):
        return []
    own = [part] if "Effect" in part else []
    return own + [found for each in part.values() for found in statements(each)]


def routes() -> set[tuple[str, str]]:
    """Return method and path of every HTTP event."""
    events = [event for each in FUNCTIONS.values() for event in each["Events"].values() if event["Type"] == "HttpApi"]
    return {(event["Properties"]["Method"], event["Properties"]["Path"]) for event in events}


@pytest.mark.parametrize("task", TASK_FOLDERS)
def test_every_function_folder_has_a_stanza(task: str) -> None:
    assert FUNCTIONS[f"{task.title()}Function"]["CodeUri"] == f"functions/{task}/"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_stanza_has_its_folder(name: str) -> None:
    assert (ROOT / FUNCTIONS[name]["CodeUri"] / "app.py").exists()


def test_every_task_has_its_route() -> None:
    assert routes() == {("POST", f"/{name}") for name in (*TASKS, "profile")} | {("GET", "/health"), ("GET", "/models")}


def test_the_api_is_closed() -> None:
    """Every route needs a signature: the default asks for one, and no event says otherwise."""
    assert RESOURCES["Api"]["Properties"]["Auth"] == {"EnableIamAuthorizer": True, "DefaultAuthorizer": "AWS_IAM"}
    events = [event for each in FUNCTIONS.values() for event in each["Events"].values()]
    assert not any("Auth" in event["Properties"] for event in events)
    assert not any("FunctionUrlConfig" in each for each in FUNCTIONS.values())


def test_no_right_is_given_by_wildcard() -> None:
    given = [each for each in statements(RESOURCES) if each["Effect"] == "Allow"]
    assert given
    for each in given:
        actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        assert not any("*" in action for action in actions)
        assert each["Resource"] != "*"
        assert each.get("Principal") != "*"


def test_only_batch_reaches_the_buckets() -> None:
    assert [name for name, each in FUNCTIONS.items() if "Policies" in each] == ["BatchFunction"]
    [policy] = FUNCTIONS["BatchFunction"]["Policies"]
    rights = {next(iter(each["Resource"].values())): each["Action"] for each in policy["Statement"]}
    assert rights == {
        "${InputBucket.Arn}/incoming/*": ["s3:GetObject", "s3:GetObjectVersion"],
        "InputBucket.Arn": "s3:ListBucket",
        "${OutputBucket.Arn}/*": ["s3:PutObject", "s3:AbortMultipartUpload"],
    }


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_encrypted_private_versioned_and_refuse_plain_http(name: str) -> None:
    bucket = BUCKETS[name]
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
    policies = [each for each in of_type("AWS::S3::BucketPolicy").values() if each["Bucket"] == {"Ref": name}]
    [denied] = statements(policies)
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_file_becomes_a_message_and_a_failed_one_a_dead_letter() -> None:
    [notification] = BUCKETS["InputBucket"]["NotificationConfiguration"]["QueueConfigurations"]
    [source] = FUNCTIONS["BatchFunction"]["Events"].values()
    queue = RESOURCES["BatchQueue"]["Properties"]
    assert notification["Queue"] == source["Properties"]["Queue"] == {"Fn::GetAtt": "BatchQueue.Arn"}
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": "BatchDeadLetters.Arn"}
    assert queue["VisibilityTimeout"] >= 6 * FUNCTIONS["BatchFunction"]["Timeout"]


def test_the_notification_and_the_queue_policy_do_not_wait_for_each_other() -> None:
    """S3 needs the policy first, so the policy must not name the bucket."""
    assert RESOURCES["InputBucket"]["DependsOn"] == "BatchQueuePolicy"
    assert "InputBucket" not in str(RESOURCES["BatchQueuePolicy"])


def test_functions_layers_and_their_build_speak_of_one_python() -> None:
    runtimes = [each["CompatibleRuntimes"] for each in of_type("AWS::Serverless::LayerVersion").values()]
    assert runtimes == [[f"python{PYTHON}"]] * 3
    assert TEMPLATE["Globals"]["Function"]["Runtime"] == f"python{PYTHON}"


def test_every_layer_is_built_and_every_function_has_it() -> None:
    layers = of_type("AWS::Serverless::LayerVersion")
    targets = re.findall(r"^build-(\w+):", (ROOT / "layers" / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(targets) == sorted(layers)
    assert [each["Ref"] for each in TEMPLATE["Globals"]["Function"]["Layers"]] == list(layers)


def test_the_runtime_layer_holds_what_the_project_declares_in_the_versions_that_were_tested() -> None:
    """After a change of dependencies: install, then `python -m layers.lock`."""
    tested = pins(PINS)
    assert pins(CLOSURE) == {name: tested[name] for name in closure(declared())}
