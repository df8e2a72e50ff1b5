"""The web endpoints: statistics, the dashboard, health, metrics and the WebSocket."""

if __name__ != "vesselflow.web":
    # A second copy under another name would hold a second set of rooms and routes.
    raise ImportError(
        "expected this package to be imported as vesselflow.web, got "
        f"{__name__!r}: write `import vesselflow.web`, never `import web`"
    )
