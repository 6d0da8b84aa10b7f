"""What template.yaml must keep to, read as text: cheap enough for every run; `make sam` asks SAM itself."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from regulars.api.responses import ROUTES
from tools.build import PYTHON
from tools.lock import PINS, closures, pins
from tools.template import function_layers, template

ROOT = Path(__file__).parents[1]
TASK_FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
TEMPLATE = template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
TRACES = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
"""The only rights without a resource: X-Ray has none to name."""


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


def paths() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the API's operations by method and path."""
    said = RESOURCES["Api"]["Properties"]["DefinitionBody"]["paths"]
    return {(method.upper(), path): each for path, methods in said.items() for method, each in methods.items()}


@pytest.mark.parametrize("task", TASK_FOLDERS)
def test_every_function_folder_has_a_stanza(task: str) -> None:
    assert FUNCTIONS[f"{task.title()}Function"]["CodeUri"] == f"functions/{task}/"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_stanza_has_its_folder(name: str) -> None:
    assert (ROOT / FUNCTIONS[name]["CodeUri"] / "app.py").exists()


def test_every_task_has_its_route() -> None:
    assert set(paths()) == {("POST", f"/v1/{name}") for name in ROUTES} | {
        ("GET", "/v1/health"),
        ("GET", "/v1/models"),
    }


def test_every_route_calls_the_alias_that_a_deployment_moves() -> None:
    for (_, path), operation in paths().items():
        route = path.removeprefix("/v1/")
        name = route.title() if route in TASK_FOLDERS else "Profile"
        [uri] = operation["x-amazon-apigateway-integration"]["uri"].values()
        assert uri.endswith(f"functions/${{{name}Function.Arn}}:live/invocations")
    assert TEMPLATE["Globals"]["Function"]["AutoPublishAlias"] == "live"
    assert all(each["AutoPublishAliasAllProperties"] for each in FUNCTIONS.values())


def test_the_api_is_closed() -> None:
    """Every route needs a caller: one who signs with IAM, or who brings a token where an issuer is named."""
    assert all(operation["security"] == [{"Caller": []}] for operation in paths().values())
    [caller] = RESOURCES["Api"]["Properties"]["DefinitionBody"]["components"]["securitySchemes"]["Caller"].values()
    condition, token, iam = caller
    assert condition == "HasJwt"
    assert TEMPLATE["Parameters"]["JwtIssuer"]["Default"] == ""
    assert iam["x-amazon-apigateway-authtype"] == "awsSigv4"
    assert token["x-amazon-apigateway-authorizer"]["jwtConfiguration"]["audience"] == {"Ref": "JwtAudience"}
    assert not any("FunctionUrlConfig" in each for each in FUNCTIONS.values())


def test_the_api_is_throttled_and_may_call_one_function_a_route() -> None:
    assert {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= set(
        RESOURCES["Api"]["Properties"]["DefaultRouteSettings"]
    )
    given = of_type("AWS::Lambda::Permission")
    assert {each["FunctionName"]["Ref"] for each in given.values()} == {
        f"{name.title()}Function.Alias" for name in ROUTES
    }
    assert all("${Api}" in each["SourceArn"]["Fn::Sub"] for each in given.values())


def test_no_right_is_given_by_wildcard() -> None:
    given = [each for each in statements(RESOURCES) if each["Effect"] == "Allow"]
    assert given
    for each in given:
        actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        assert not any("*" in action for action in actions)
        assert each.get("Resource") != "*" or actions == TRACES
        assert each.get("Principal") != "*"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_role_of_its_own(name: str) -> None:
    role = name.replace("Function", "Role")
    assert FUNCTIONS[name]["Role"] == {"Fn::GetAtt": f"{role}.Arn"}
    assert of_type("AWS::IAM::Role")[role]["ManagedPolicyArns"] == [{"Ref": "Observe"}]


def rights(role: str) -> dict[str, list[str]]:
    """Return the actions of a role by resource."""
    [policy] = of_type("AWS::IAM::Role")[role]["Policies"]
    given: dict[str, list[str]] = {}
    for each in policy["PolicyDocument"]["Statement"]:
        actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
        for resource in each["Resource"] if isinstance(each["Resource"], list) else [each["Resource"]]:
            given.setdefault(next(iter(resource.values())), []).extend(actions)
    return given


def test_only_batch_reaches_the_buckets() -> None:
    roles = of_type("AWS::IAM::Role")
    assert [name for name, each in roles.items() if "Policies" in each] == ["BatchRole", "BatchMachineRole"]
    assert rights("BatchRole") == {
        "${InputBucket.Arn}/incoming/*": ["s3:GetObject", "s3:GetObjectVersion"],
        "InputBucket.Arn": ["s3:ListBucket"],
        "${OutputBucket.Arn}/scores/*": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        "${OutputBucket.Arn}/features/*": ["s3:GetObject", "s3:PutObject"],
        "${OutputBucket.Arn}/work/*": ["s3:GetObject", "s3:PutObject"],
        "OutputBucket.Arn": ["s3:ListBucket"],
        "BatchQueue.Arn": [
            "sqs:ReceiveMessage",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ChangeMessageVisibility",
        ],
        "BatchDeadLetters.Arn": ["sqs:SendMessage"],
    }


def test_the_machine_may_call_batch_read_its_items_and_start_itself() -> None:
    machine = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"
    assert rights("BatchMachineRole") == {
        "BatchFunction.Alias": ["lambda:InvokeFunction"],
        "${OutputBucket.Arn}/work/*": ["s3:GetObject"],
        f"{machine}:stateMachine:${{AWS::StackName}}-batch": ["states:StartExecution"],
        f"{machine}:execution:${{AWS::StackName}}-batch/*": ["states:DescribeExecution", "states:StopExecution"],
    }
    [said] = of_type("AWS::Serverless::StateMachine").values()
    assert said["Name"] == {"Fn::Sub": "${AWS::StackName}-batch"}
    definition = (ROOT / said["DefinitionUri"]).read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", definition)) == set(said["DefinitionSubstitutions"])


def test_the_function_gives_up_at_the_try_after_which_the_queue_would() -> None:
    """Before the queue moves the message without a word, the function lays it down with the reason."""
    said = FUNCTIONS["BatchFunction"]["Environment"]["Variables"]
    assert said["REGULARS_DEAD_LETTERS"] == {"Ref": "BatchDeadLetters"}
    redrive = RESOURCES["BatchQueue"]["Properties"]["RedrivePolicy"]
    assert int(said["REGULARS_MAX_TRIES"]) == redrive["maxReceiveCount"]


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
    assert runtimes == [[f"python{PYTHON}"]] * 4
    assert TEMPLATE["Globals"]["Function"]["Runtime"] == f"python{PYTHON}"


def test_every_layer_is_built_and_used() -> None:
    layers = of_type("AWS::Serverless::LayerVersion")
    targets = re.findall(r"^build-(\w+):", (ROOT / "layers" / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(targets) == sorted(layers)
    used = {f"{name.title()}Layer" for names in function_layers().values() for name in names}
    assert used == set(layers)


def test_the_layers_hold_what_the_project_declares_in_the_versions_that_were_tested() -> None:
    """After a change of dependencies: install, then `python -m tools.lock`."""
    tested = pins(PINS)
    for path, names in closures().items():
        assert pins(path) == {name: tested[name] for name in names}


@pytest.mark.parametrize("queue", of_type("AWS::SQS::Queue"))
def test_queues_are_encrypted_and_refuse_plain_http(queue: str) -> None:
    assert RESOURCES[queue]["Properties"]["SqsManagedSseEnabled"] is True
    policies = [each for each in of_type("AWS::SQS::QueuePolicy").values() if each["Queues"] == [{"Ref": queue}]]
    denied = [each for each in statements(policies) if each["Effect"] == "Deny"]
    assert [each["Condition"] for each in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_logs_are_not_kept_for_ever() -> None:
    assert all(
        each["RetentionInDays"] == {"Ref": "LogRetentionDays"} for each in of_type("AWS::Logs::LogGroup").values()
    )


@pytest.mark.parametrize(
    "watched", ["Errors", "Throttles", "Latency", "BundleAge", "DeadLetters", "ServerErrors", "BatchMachine"]
)
def test_what_goes_wrong_has_an_alarm(watched: str) -> None:
    alarm = of_type("AWS::CloudWatch::Alarm")[f"{watched}Alarm"]
    assert alarm["AlarmActions"]
    assert alarm["TreatMissingData"] == "notBreaching"


def test_a_deployment_goes_back_when_a_function_fails() -> None:
    preference = TEMPLATE["Globals"]["Function"]["DeploymentPreference"]
    assert preference["Alarms"] == [{"Ref": "ErrorsAlarm"}, {"Ref": "ServerErrorsAlarm"}]
    assert TEMPLATE["Parameters"]["Deployment"]["Default"].startswith("Canary")


def test_the_dashboard_is_json() -> None:
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert len(json.loads(body)["widgets"]) == 9


@pytest.mark.parametrize("name", FUNCTIONS)
def test_http_functions_may_be_restored_from_a_snapshot(name: str) -> None:
    """Batch may not: a snapshot has no more than 512 MB of disk."""
    assert ("SnapStart" in FUNCTIONS[name]) == ("EphemeralStorage" not in FUNCTIONS[name])
