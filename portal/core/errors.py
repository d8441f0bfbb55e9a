"""How rules refuse: errors that name the field they are about."""

from collections.abc import Mapping, Sequence

Text = object  # a str or a lazily translated string; both become text when shown


class Refused(Exception):
    """Input that a rule does not accept. Nothing was changed.

    `errors` maps a field name to its messages; the field "" stands for the input as a whole.
    """

    status = 422
    code = "refused"

    def __init__(self, errors: Mapping[str, Sequence[Text]]) -> None:
        super().__init__(errors)
        self.errors: dict[str, list[str]] = {field: [str(text) for text in texts] for field, texts in errors.items()}

    def __str__(self) -> str:
        return "; ".join(
            f"{field}: {text}" if field else text for field, texts in self.errors.items() for text in texts
        )

    @classmethod
    def one(cls, field: str, text: Text) -> "Refused":
        """Build a refusal with a single message."""
        return cls({field: [text]})


class TooMany(Refused):
    """Something was tried too often; it may be tried again after `seconds`."""

    status = 429
    code = "too_many"
    seconds = 60

    @classmethod
    def after(cls, seconds: int, field: str, text: Text) -> "TooMany":
        """Build a refusal that says when to come back."""
        made = cls({field: [text]})
        made.seconds = seconds
        return made


class Conflict(Refused):
    """The state moved on: somebody else holds the thing, or it is not in the state the action needs."""

    status = 409
    code = "conflict"
