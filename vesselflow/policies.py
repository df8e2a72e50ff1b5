"""Settings -> how the detectors judge; what the workers do and what a backtest does without being told otherwise."""

from vesselflow.core.fence_policy import PolicyOptions
from vesselflow.settings import Settings


def fence_options(settings: Settings) -> PolicyOptions:
    """Return how fences without rules of their own are judged."""
    return PolicyOptions(
        plain=settings.plain_policy,
        margin_m=settings.fence_margin_m,
        confirm_fixes=settings.fence_confirm_fixes,
        confirm_s=settings.fence_confirm_s,
        track_limit_s=settings.fence_track_limit_s,
        max_speed_kn=settings.max_speed_kn,
        reorder_s=settings.reorder_s,
    )
