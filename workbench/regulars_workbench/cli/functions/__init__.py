"""Commands that run the Lambda functions on this machine."""
