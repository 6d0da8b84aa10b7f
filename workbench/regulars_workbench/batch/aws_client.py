"""AWS clients and errors: one line with the resource, the cause and the next step."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from regulars.errors import RegularsError, SettingsError, SourceError

OUTPUTS = "see the stack's outputs for its name"
SIGN_IN = 'sign in again ("aws sso login" or "aws configure"), or choose other credentials with AWS_PROFILE'
NEXT = {
    **dict.fromkeys(
        (
            "NoSuchBucket",
            "AWS.SimpleQueueService.NonExistentQueue",
            "QueueDoesNotExist",
            "StateMachineDoesNotExist",
            "InvalidAddress",
            "InvalidArn",
            "ValidationException",
        ),
        OUTPUTS,
    ),
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException", "403"),
        "ask for permission, or choose other credentials with AWS_PROFILE",
    ),
    **dict.fromkeys(
        (
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "SignatureDoesNotMatch",
            "UnrecognizedClientException",
        ),
        SIGN_IN,
    ),
}
"""The next step by AWS error code."""


def client(service: str) -> Any:  # noqa: ANN401 - a boto3 client has no type of its own
    """Return a client of an AWS service; SettingsError when region, profile or endpoint is missing or not valid."""
    import boto3  # noqa: PLC0415 - only commands that call AWS need it

    with aws_errors(service):
        try:
            return boto3.client(service)
        except ValueError as error:
            raise _settings_error(service, error) from error


@contextmanager
def aws_errors(resource: str) -> Iterator[None]:
    """Turn AWS errors about `resource` into SourceError, and errors of connection or credentials into SettingsError."""
    from botocore import exceptions  # noqa: PLC0415 - only commands that call AWS need it

    try:
        yield
    except exceptions.ClientError as error:
        details = error.response.get("Error", {})
        code, message = details.get("Code", "unknown"), str(details.get("Message", "")).rstrip(".")
        raise SourceError(f"{resource}: {message} ({code}); {NEXT.get(code, 'try again later')}") from error
    except exceptions.ParamValidationError as error:
        raise SourceError(f"{resource}: {str(error).splitlines()[-1][:200]}; {OUTPUTS}") from error
    except exceptions.BotoCoreError as error:
        raise _settings_error(resource, error) from error


def _settings_error(resource: str, error: Exception) -> RegularsError:
    message, kind = str(error).rstrip(".").replace("\n", " "), type(error).__name__
    if "Region" in kind:
        return SettingsError('no AWS region is set; set AWS_DEFAULT_REGION, or run "aws configure"')
    if "Credential" in kind or "Token" in kind or "Profile" in kind:
        return SettingsError(f"{message}; {SIGN_IN}")
    return SettingsError(f"{resource}: {message}; check the network, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL")
