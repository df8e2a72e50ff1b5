"""The wall clock of this machine."""

import time


class SystemClock:
    """Fulfils `Clock`."""

    def now_ms(self) -> int:
        """Return milliseconds UTC."""
        return time.time_ns() // 1_000_000
