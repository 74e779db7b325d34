"""The SMTP lab."""
