"""Mail from a template: `templates/emails/<name>.txt`, whose first line is the subject and the rest the text."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.template import Context, Engine, Template

from portal.outbox import texts


def render(name: str, context: Mapping[str, Any]) -> tuple[str, str]:
    """Return subject and text. `{{ base_url }}` is the portal's address, without a slash at its end.

    Texts of the context lose their line ends, so that a name cannot write lines of its own; a tuple or list of texts
    is cleaned likewise. Raises `TemplateDoesNotExist`.
    """
    engine = Engine.get_default()
    found = engine.find_template(f"emails/{name}.txt")[0]
    first, _end, rest = str(found.source).partition("\n")
    values = {key: _clean(value) for key, value in context.items()} | {"base_url": settings.BASE_URL.rstrip("/")}
    # Plain text: nothing in it is markup, so nothing is escaped.
    subject, text = (Template(part, engine=engine).render(Context(values, autoescape=False)) for part in (first, rest))
    return texts.one_line(subject), texts.lines(text).strip() + "\n"


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return texts.one_line(value)
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value
