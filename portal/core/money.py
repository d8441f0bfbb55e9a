"""Exact amounts: twelve decimal places inside, cents only where a person reads a statement."""

from decimal import ROUND_HALF_UP, Context, Decimal

PLACES = Decimal("1E-12")
# Wide enough for products of numeric(24,12); the default of 28 digits would round them silently.
EXACT = Context(prec=80, rounding=ROUND_HALF_UP)
