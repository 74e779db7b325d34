"""The whole product, through a real browser."""
