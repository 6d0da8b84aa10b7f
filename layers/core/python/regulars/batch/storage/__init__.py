"""Objects in S3: inputs to read, and results to publish."""
