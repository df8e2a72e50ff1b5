"""The numbered migrations of the Postgres database."""

if __name__ != "vesselflow.sql":
    # A second copy under another name would apply the migrations under two names.
    raise ImportError(
        "expected this package to be imported as vesselflow.sql, got "
        f"{__name__!r}: write `import vesselflow.sql`, never `import sql`"
    )
