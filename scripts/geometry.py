"""Rows and tokens of a VAR model, as core/geometry counts them."""

# Under classifier-free guidance every sample runs once with its class and once without.
ROWS_PER_SAMPLE = 2


def tokens_by_scale(sides):
    """Tokens of each scale: a square map of that side."""
    return [side * side for side in sides]
