from vesselflow.core.errors import Unavailable


class Outage:
    """What every stand-in can do: be away."""

    is_down = False

    def check(self) -> None:
        if self.is_down:
            raise Unavailable(f"{type(self).__name__} was told to be down")
