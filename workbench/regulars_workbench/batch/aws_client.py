"""What AWS refuses, in one line that says what was asked for and what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from regulars.errors import RegularsError, SettingsError, SourceError

OUTPUTS = "the stack's outputs have its name"
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
        "ask for the right to do so, or choose other credentials with AWS_PROFILE",
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
"""What to do next, by AWS's code of an error."""


def client(service: str) -> Any:  # noqa: ANN401 - a boto3 client has no type of its own
    """Return a client of an AWS service; SettingsError when there is no region, no such profile, or no such address."""
    import boto3  # noqa: PLC0415 - only commands that ask AWS pay for it

    with aws_errors(service):
        try:
            return boto3.client(service)
        except ValueError as error:
            raise _unasked(service, error) from error


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Ask AWS for `what`: SourceError when that cannot be had, SettingsError when AWS cannot be asked from here."""
    from botocore import exceptions  # noqa: PLC0415 - only commands that ask AWS pay for it

    try:
        yield
    except exceptions.ClientError as error:
        said = error.response.get("Error", {})
        code, message = said.get("Code", "unknown"), str(said.get("Message", "")).rstrip(".")
        raise SourceError(f"{what}: {message} ({code}); {NEXT.get(code, 'try again later')}") from error
    except exceptions.ParamValidationError as error:
        raise SourceError(f"{what}: {str(error).splitlines()[-1][:200]}; {OUTPUTS}") from error
    except exceptions.BotoCoreError as error:
        raise _unasked(what, error) from error


def _unasked(what: str, error: Exception) -> RegularsError:
    said, kind = str(error).rstrip(".").replace("\n", " "), type(error).__name__
    if "Region" in kind:
        return SettingsError('no AWS region is set; set AWS_DEFAULT_REGION, or run "aws configure"')
    if "Credential" in kind or "Token" in kind or "Profile" in kind:
        return SettingsError(f"{said}; {SIGN_IN}")
    return SettingsError(f"{what}: {said}; check the network, AWS_DEFAULT_REGION and AWS_ENDPOINT_URL")
