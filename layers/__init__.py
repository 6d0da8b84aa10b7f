"""What Lambda gets in its layers, and how that is built, measured and tried."""
