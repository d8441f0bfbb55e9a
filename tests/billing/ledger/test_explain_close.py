"""What the pages explain of closed hours: each formula, worked out again, gives the stored amount."""

import pytest

from billing.ledger import explaining, selectors
from billing.ledger.models import CostHour, Kind
from portal.accounts.models import User
from portal.core import clock
from tests.billing.ledger import tables, worlds
from tests.billing.ledger.test_close_oracle import CALM, STRAINED, close, comparable
from tests.people import client_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [STRAINED, CALM], ids=["strained", "calm"])
def test_every_amount_of_a_random_world(
    fay: User, seed: int, shape: worlds.Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = tables.load(comparable(worlds.read(worlds.make(seed, shape))))
    close(loaded)
    checked = 0
    for row in CostHour.objects.select_related("cluster"):
        found = selectors.behind(
            fay,
            slug=row.cluster.slug,
            start=row.starts_at,
            kind=row.kind,
            namespace=row.namespace_uid,
            key=row.price_key_id,
        )
        assert found is not None and found.row.pk == row.pk
        for line in explaining.lines(found):
            if line.quantity and row.kind != Kind.IDLE:
                assert line.result == line.amount, (row, line)
                checked += line.amount is not None
    assert checked > 20
    monkeypatch.setattr(clock, "now", lambda: loaded.world.window.end)
    assert client_of(fay).get("/costs/").status_code == 200
