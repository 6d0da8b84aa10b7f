"""What one batch run may use: input size, time, memory and disk."""
