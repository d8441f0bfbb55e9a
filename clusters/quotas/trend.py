"""When a limit is reached if use goes on as it did."""

from collections.abc import Sequence

# Fewer days say nothing about a trend, and what lies years ahead is no news.
LEAST_DAYS = 3
FARTHEST = 365


def days_to_full(series: Sequence[int], hard: int) -> int | None:
    """Return in how many whole days the straight line through the daily use (oldest first) meets the limit.

    0 where it is met already; None where use does not grow, is known for less than three days, or has a year or more.
    """
    if series and series[-1] >= hard:
        return 0
    count = len(series)
    if count < LEAST_DAYS:
        return None
    # Least squares in whole numbers: slope = top / bottom per day.
    middle = sum(range(count))
    top = count * sum(day * used for day, used in enumerate(series)) - middle * sum(series)
    bottom = count * sum(day * day for day in range(count)) - middle * middle
    if top <= 0:
        return None
    days = -(-(hard - series[-1]) * bottom // top)
    return days if days < FARTHEST else None


def recent(points: Sequence[tuple[int, int]], *, hours: int = 24, half_life: int = 6) -> int:
    """Return a mean of use in which what is `half_life` hours old counts half.

    `points` are (hours ago, use), oldest first; between two of them the earlier one goes on. Hours before the first
    are left out.
    """
    if not points:
        return 0
    top = bottom = 0
    place = 0
    for ago in range(min(hours, points[0][0]), -1, -1):
        while place + 1 < len(points) and points[place + 1][0] >= ago:
            place += 1
        weight = 2 ** ((hours - ago) // half_life)
        top, bottom = top + weight * points[place][1], bottom + weight
    return top // bottom
