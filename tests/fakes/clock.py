from datetime import timedelta


class HeldClock:
    """A clock that moves when it is told to."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = now_ms

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, by: timedelta) -> None:
        self._now_ms += by // timedelta(milliseconds=1)
