"""What becomes of staged rows: kept, rejected, found twice, or worth a warning."""
