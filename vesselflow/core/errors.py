"""Every error that vesselflow raises on purpose.

    VesselflowError
    ├── InvalidSetting        a variable of the environment is unknown or has a bad value
    ├── InvalidRecord         a record of a source cannot be used; carries the reason
    ├── InvalidShape          a fence's shape cannot be made valid
    ├── InvalidPreferences    a client's preferences are not what the contract allows
    ├── InvalidRules          a fence's own rules are not what the contract allows
    ├── InvalidToken          a token is not ours, not for us, or no longer good
    ├── Unavailable           a service outside of this process cannot be reached
    ├── StackError            the local stack cannot do what was asked
    └── UsageError            a command was called in a way it does not understand

The command line prints the message of each as one line; so a message is one sentence that states what was expected and
what came.
"""


class VesselflowError(Exception):
    """Anything that vesselflow raises on purpose."""


class InvalidSetting(VesselflowError):
    """A variable of the environment is unknown or has a bad value."""


class InvalidRecord(VesselflowError):
    """A record of a source cannot be used.

    *reason* is a short fixed word for counting, such as ``no-position``; *detail* says what was expected and what came.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class InvalidShape(VesselflowError):
    """A fence's shape cannot be made valid."""


class InvalidPreferences(VesselflowError):
    """A client's preferences are not what the contract allows."""


class InvalidRules(VesselflowError):
    """A fence's own rules are not what the contract allows."""


class InvalidToken(VesselflowError):
    """A token is not ours, not for us, or no longer good."""


class Unavailable(VesselflowError):
    """A service outside of this process cannot be reached; trying again later may help."""


class StackError(VesselflowError):
    """The local stack cannot do what was asked: a taken port, a program that is missing or does not start."""


class UsageError(VesselflowError):
    """A command was called in a way it does not understand."""
