"""Rules for template.yaml, read as text. These tests are fast; `make sam` runs SAM itself."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from regulars.api.contract.responses import ROUTES
from tools.build import PYTHON
from tools.lock import PINS, closures, pins
from tools.template import function_layers, template

ROOT = Path(__file__).parents[1]
TASK_FOLDERS = sorted(path.parent.name for path in (ROOT / "functions").glob("*/app.py"))
TEMPLATE = template()
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
TRACES = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
"""The only permissions for all resources: X-Ray has no resource names."""


def of_type(kind: str) -> dict[str, Any]:
    """Return the properties of every resource of a type, by name."""
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


FUNCTIONS = of_type("AWS::Serverless::Function")
BUCKETS = of_type("AWS::S3::Bucket")


def statements(part: Any) -> list[dict[str, Any]]:
    """Return every policy statement at any depth."""
    if isinstance(part, list):
        return [statement for child in part for statement in statements(child)]
    if not isinstance(part, dict):
        return []
    own = [part] if "Effect" in part else []
    return own + [statement for child in part.values() for statement in statements(child)]


def listed(value: Any) -> list[Any]:
    """Return a value that may be one item or a list, as a list."""
    return value if isinstance(value, list) else [value]


def paths() -> dict[tuple[str, str], dict[str, Any]]:
    """Return the API's operations by method and path."""
    by_path = RESOURCES["Api"]["Properties"]["DefinitionBody"]["paths"]
    return {
        (method.upper(), path): operation for path, methods in by_path.items() for method, operation in methods.items()
    }


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
    assert all(function["AutoPublishAliasAllProperties"] for function in FUNCTIONS.values())


def test_every_route_needs_an_authenticated_caller() -> None:
    """A caller signs with IAM, or sends a token if an issuer is set."""
    assert all(operation["security"] == [{"Caller": []}] for operation in paths().values())
    [caller] = RESOURCES["Api"]["Properties"]["DefinitionBody"]["components"]["securitySchemes"]["Caller"].values()
    condition, token, iam = caller
    assert condition == "HasJwt"
    assert TEMPLATE["Parameters"]["JwtIssuer"]["Default"] == ""
    assert iam["x-amazon-apigateway-authtype"] == "awsSigv4"
    assert token["x-amazon-apigateway-authorizer"]["jwtConfiguration"]["audience"] == {"Ref": "JwtAudience"}
    assert not any("FunctionUrlConfig" in function for function in FUNCTIONS.values())


def test_the_api_is_throttled_and_each_route_may_call_one_function() -> None:
    assert {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= set(
        RESOURCES["Api"]["Properties"]["DefaultRouteSettings"]
    )
    permissions = of_type("AWS::Lambda::Permission").values()
    assert {permission["FunctionName"]["Ref"] for permission in permissions} == {
        f"{name.title()}Function.Alias" for name in ROUTES
    }
    assert all("${Api}" in permission["SourceArn"]["Fn::Sub"] for permission in permissions)


def test_no_permission_has_a_wildcard() -> None:
    allowed = [statement for statement in statements(RESOURCES) if statement["Effect"] == "Allow"]
    assert allowed
    for statement in allowed:
        actions = listed(statement["Action"])
        assert not any("*" in action for action in actions)
        assert statement.get("Resource") != "*" or actions == TRACES
        assert statement.get("Principal") != "*"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_a_role_of_its_own(name: str) -> None:
    role = name.replace("Function", "Role")
    assert FUNCTIONS[name]["Role"] == {"Fn::GetAtt": f"{role}.Arn"}
    assert of_type("AWS::IAM::Role")[role]["ManagedPolicyArns"] == [{"Ref": "Observe"}]


def permissions(role: str) -> dict[str, list[str]]:
    """Return the actions of a role by resource."""
    [policy] = of_type("AWS::IAM::Role")[role]["Policies"]
    allowed: dict[str, list[str]] = {}
    for statement in policy["PolicyDocument"]["Statement"]:
        for resource in listed(statement["Resource"]):
            allowed.setdefault(next(iter(resource.values())), []).extend(listed(statement["Action"]))
    return allowed


def test_only_batch_reaches_the_buckets() -> None:
    roles = of_type("AWS::IAM::Role")
    assert [name for name, role in roles.items() if "Policies" in role] == ["BatchRole", "BatchMachineRole"]
    assert permissions("BatchRole") == {
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


def test_the_state_machine_may_call_batch_read_its_items_and_start_itself() -> None:
    states = "arn:${AWS::Partition}:states:${AWS::Region}:${AWS::AccountId}"
    assert permissions("BatchMachineRole") == {
        "BatchFunction.Alias": ["lambda:InvokeFunction"],
        "${OutputBucket.Arn}/work/*": ["s3:GetObject"],
        f"{states}:stateMachine:${{AWS::StackName}}-batch": ["states:StartExecution"],
        f"{states}:execution:${{AWS::StackName}}-batch/*": ["states:DescribeExecution", "states:StopExecution"],
    }
    [state_machine] = of_type("AWS::Serverless::StateMachine").values()
    assert state_machine["Name"] == {"Fn::Sub": "${AWS::StackName}-batch"}
    definition = (ROOT / state_machine["DefinitionUri"]).read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+)\}", definition)) == set(state_machine["DefinitionSubstitutions"])


def test_the_function_gives_up_at_the_last_try_of_the_queue() -> None:
    """The function sends the dead letter with the reason; the queue would send it without."""
    variables = FUNCTIONS["BatchFunction"]["Environment"]["Variables"]
    assert variables["REGULARS_DEAD_LETTERS"] == {"Ref": "BatchDeadLetters"}
    redrive = RESOURCES["BatchQueue"]["Properties"]["RedrivePolicy"]
    assert int(variables["REGULARS_MAX_TRIES"]) == redrive["maxReceiveCount"]


@pytest.mark.parametrize("name", BUCKETS)
def test_buckets_are_encrypted_private_versioned_and_refuse_plain_http(name: str) -> None:
    bucket = BUCKETS[name]
    [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["VersioningConfiguration"]["Status"] == "Enabled"
    policies = [policy for policy in of_type("AWS::S3::BucketPolicy").values() if policy["Bucket"] == {"Ref": name}]
    [denied] = statements(policies)
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_file_sends_a_message_and_a_failed_one_becomes_a_dead_letter() -> None:
    [notification] = BUCKETS["InputBucket"]["NotificationConfiguration"]["QueueConfigurations"]
    [source] = FUNCTIONS["BatchFunction"]["Events"].values()
    queue = RESOURCES["BatchQueue"]["Properties"]
    assert notification["Queue"] == source["Properties"]["Queue"] == {"Fn::GetAtt": "BatchQueue.Arn"}
    assert source["Properties"]["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": "BatchDeadLetters.Arn"}
    assert queue["VisibilityTimeout"] >= 6 * FUNCTIONS["BatchFunction"]["Timeout"]


def test_the_notification_and_the_queue_policy_have_no_circular_dependency() -> None:
    """The bucket depends on the policy, so the policy must not name the bucket."""
    assert RESOURCES["InputBucket"]["DependsOn"] == "BatchQueuePolicy"
    assert "InputBucket" not in str(RESOURCES["BatchQueuePolicy"])


def test_functions_layers_and_their_build_use_the_same_python() -> None:
    runtimes = [layer["CompatibleRuntimes"] for layer in of_type("AWS::Serverless::LayerVersion").values()]
    assert runtimes == [[f"python{PYTHON}"]] * 4
    assert TEMPLATE["Globals"]["Function"]["Runtime"] == f"python{PYTHON}"


def test_every_layer_is_built_and_used() -> None:
    layers = of_type("AWS::Serverless::LayerVersion")
    targets = re.findall(r"^build-(\w+):", (ROOT / "layers" / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(targets) == sorted(layers)
    used = {f"{name.title()}Layer" for names in function_layers().values() for name in names}
    assert used == set(layers)


def test_the_layers_have_the_declared_dependencies_in_the_tested_versions() -> None:
    """After a change of dependencies: install, then `python -m tools.lock`."""
    tested = pins(PINS)
    for path, names in closures().items():
        assert pins(path) == {name: tested[name] for name in names}


@pytest.mark.parametrize("queue", of_type("AWS::SQS::Queue"))
def test_queues_are_encrypted_and_refuse_plain_http(queue: str) -> None:
    assert RESOURCES[queue]["Properties"]["SqsManagedSseEnabled"] is True
    policies = [policy for policy in of_type("AWS::SQS::QueuePolicy").values() if policy["Queues"] == [{"Ref": queue}]]
    denied = [statement for statement in statements(policies) if statement["Effect"] == "Deny"]
    assert [statement["Condition"] for statement in denied] == [{"Bool": {"aws:SecureTransport": "false"}}]


def test_logs_expire() -> None:
    groups = of_type("AWS::Logs::LogGroup").values()
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups)


@pytest.mark.parametrize(
    "watched", ["Errors", "Throttles", "Latency", "BundleAge", "DeadLetters", "ServerErrors", "BatchMachine"]
)
def test_each_failure_has_an_alarm(watched: str) -> None:
    alarm = of_type("AWS::CloudWatch::Alarm")[f"{watched}Alarm"]
    assert alarm["AlarmActions"]
    assert alarm["TreatMissingData"] == "notBreaching"


def test_a_deployment_is_rolled_back_when_a_function_fails() -> None:
    preference = TEMPLATE["Globals"]["Function"]["DeploymentPreference"]
    assert preference["Alarms"] == [{"Ref": "ErrorsAlarm"}, {"Ref": "ServerErrorsAlarm"}]
    assert TEMPLATE["Parameters"]["Deployment"]["Default"].startswith("Canary")


def test_the_dashboard_is_json() -> None:
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert len(json.loads(body)["widgets"]) == 9


@pytest.mark.parametrize("name", FUNCTIONS)
def test_http_functions_may_be_restored_from_a_snapshot(name: str) -> None:
    """Batch may not: a snapshot has at most 512 MB of disk."""
    assert ("SnapStart" in FUNCTIONS[name]) == ("EphemeralStorage" not in FUNCTIONS[name])
