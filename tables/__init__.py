"""The Faust tables that keep the agents' checkpointed states."""

if __name__ != "vesselflow.tables":
    # A second copy under another name would register every table twice.
    raise ImportError(
        "expected this package to be imported as vesselflow.tables, got "
        f"{__name__!r}: write `import vesselflow.tables`, never `import tables`"
    )
