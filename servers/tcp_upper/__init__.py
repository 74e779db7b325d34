"""The TCP upper lab: a server that answers in upper case, and all that its socket calls can do."""
