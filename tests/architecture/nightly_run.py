"""What `make nightly` asks of the mutation test, and what it gets back; handed over as a plugin of pytest."""

from dataclasses import dataclass, field


@dataclass(eq=False)
class Run:
    """Every mutant instead of some, and which of them nothing noticed."""

    count: int = 0
    seconds: float = 0
    survived: list[str] = field(default_factory=list)
    said_twice: dict[str, str] = field(default_factory=dict)

    def tell(self, number: int, of: int, name: str, survived: bool) -> None:
        """Say how far the night is: it takes longer than anybody waits in silence."""
        word = "SURVIVED" if survived else "noticed"
        print(f"{number}/{of} {word}: {name}", flush=True)
