"""The web server lab: files over HTTP/1.1, in four models of concurrency."""
