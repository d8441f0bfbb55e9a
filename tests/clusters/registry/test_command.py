"""`manage.py add_cluster`: exit codes, what it prints, and that nothing stays of what was not attached."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from clusters.registry.models import Cluster
from tests.clusters.registry import kubeconfigs
from tests.clusters.registry.conftest import Propose
from tests.fakes.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def add(name: str, path: Path, *options: str) -> str:
    out = StringIO()
    call_command("add_cluster", name, "--kubeconfig", str(path), *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def kubeconfig(tmp_path: Path, simulator: Simulator) -> Callable[[str], Path]:
    def write(slug: str) -> Path:
        path = tmp_path / f"{slug}.yaml"
        path.write_text(simulator.kubeconfig(slug))
        return path

    return write


def test_a_good_cluster_is_attached(simulated: Callable[..., str], kubeconfig: Callable[[str], Path]) -> None:
    printed = add("prod", kubeconfig(simulated(distribution="k3s")), "--yes")
    assert "green   The certificate is right" in printed
    assert "prod is attached." in printed
    assert Cluster.objects.get().state == "attached"


def test_a_red_check_ends_with_1_and_names_the_remedy(
    simulated: Callable[..., str], kubeconfig: Callable[[str], Path]
) -> None:
    denied = [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}]
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command(
            "add_cluster", "prod", "--kubeconfig", str(kubeconfig(simulated(denied=denied))), "--yes", stdout=out
        )
    assert error.value.returncode == 1
    assert "red     Right to read pods: Missing: list.\n        " in out.getvalue()
    assert not Cluster.objects.exists()


@pytest.mark.parametrize("what", ["exec", "metadata address", "five megabytes"])
def test_a_refused_file_ends_with_2(tmp_path: Path, what: str) -> None:
    data, field = kubeconfigs.BAD[what]
    path = tmp_path / "bad.yaml"
    path.write_bytes(data)
    with pytest.raises(CommandError) as error:
        add("prod", path, "--yes")
    assert error.value.returncode == 2
    assert str(error.value).startswith(f"kubeconfig: {field}")
    assert not Cluster.objects.exists()


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as error:
        add("prod", tmp_path / "nothing")
    assert error.value.returncode == 2


def test_without_a_yes_nothing_is_attached(
    simulated: Callable[..., str], kubeconfig: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda _prompt: "")
    with pytest.raises(CommandError) as error:
        add("prod", kubeconfig(simulated()))
    assert error.value.returncode == 3
    assert not Cluster.objects.exists()


def test_a_cluster_that_is_attached_already_is_not_attached_twice(
    attach: Propose, simulated: Callable[..., str], kubeconfig: Callable[[str], Path]
) -> None:
    slug = simulated()
    attach("first", slug=slug)
    with pytest.raises(CommandError) as error:
        add("second", kubeconfig(slug), "--yes")
    assert error.value.returncode == 1
    assert [cluster.name for cluster in Cluster.objects.all()] == ["first"]
