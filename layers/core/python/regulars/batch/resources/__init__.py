"""What one batch run may use: time, memory and a folder."""
