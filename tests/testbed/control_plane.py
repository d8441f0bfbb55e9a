"""Real control planes side by side: one etcd, and for each cluster a kube-apiserver with its own authority.

A whole cluster also runs kube-controller-manager, kube-scheduler and kwok, so that Deployments, Jobs, claims,
quotas and namespace deletion work and pods run on nodes that are only objects. A bare one has the
kube-apiserver alone, which is enough to speak to the API: nothing moves there unless a test moves it.

    with control_plane.start(Plan("one"), Plan("two")) as bed:
        bed["one"].api.create(objects.namespace("shop"))
"""

import contextlib
import dataclasses
import http.client
import ssl
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from tests.testbed import accounts, api, build, certificates, etcd, kubeconfig, places, ports, processes

STAGES = places.HERE / "stages.yaml"
# These need a cloud, or a pod network to hand out.
CONTROLLERS_OFF = ("node-ipam-controller", "node-route-controller", "cloud-node-lifecycle-controller")
# The defaults, 20 requests a second, halve the speed at which pods come up.
REQUEST_RATES = ("--kube-api-qps=300", "--kube-api-burst=600")
READY_WITHIN = 120.0  # seconds; five on an idle machine


@dataclasses.dataclass(frozen=True)
class Plan:
    """One cluster to start. `flags` are added to its kube-apiserver, and win over ours."""

    name: str
    bare: bool = False
    flags: tuple[str, ...] = ()


class Cluster:
    """One control plane. Its address, authority and data outlive being switched off and on."""

    def __init__(self, *, plan: Plan, run: processes.RunFolder, leases: ports.Ports, store: etcd.Etcd) -> None:
        self.name = plan.name
        self.bare = plan.bare
        self._flags = plan.flags
        self._run = run
        self._etcd = store
        self._programs = build.locate(*(build.BARE if plan.bare else build.WHOLE))
        self._port, self._kwok_port = leases.lease(), leases.lease()
        self._running: list[processes.Child] = []
        self.folder = run.path / plan.name
        self.folder.mkdir()
        self.authority = certificates.Authority(name=plan.name, at=datetime.now(UTC))
        self._files = self._write_files()
        self.api = api.Api(server=self.server, tls=self._tls())

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self._port}"

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self._port

    @property
    def ca(self) -> bytes:
        """The certificate of its authority, PEM."""
        return self.authority.certificate

    @property
    def kubeconfig_file(self) -> Path:
        """The administrator's, for kubectl."""
        return self._files["kubeconfig"]

    def kubeconfig(self) -> str:
        """The administrator's, by client certificate."""
        return self.kubeconfig_file.read_text()

    def account(
        self, name: str, *, rules: Sequence[api.Json] = (), role: str = "", namespace: str = "default"
    ) -> accounts.Account:
        """A service account with a token, bound cluster-wide to `rules` or to the ClusterRole `role`."""
        return accounts.create(self.api, name=name, rules=rules, role=role, namespace=namespace)

    def account_kubeconfig(
        self,
        name: str,
        *,
        rules: Sequence[api.Json] = accounts.READ_ALL,
        role: str = "",
        namespace: str = "default",
    ) -> str:
        """The kubeconfig of a service account, by token. It may read all but Secrets unless told."""
        account = self.account(name, rules=() if role else rules, role=role, namespace=namespace)
        return kubeconfig.with_token(name=self.name, server=self.server, authority=self.ca, token=account.token)

    def client(self, *, token: str = "", pair: certificates.Pair | None = None) -> api.Api:
        """The same server as somebody else: by token, by certificate, or anonymous."""
        return api.Api(server=self.server, tls=self._tls(pair) if pair else _trust(self.ca), token=token)

    def begin(self) -> None:
        """Starts the kube-apiserver; `finish` waits for it. Clusters come up side by side that way."""
        self._start("kube-apiserver", self._apiserver_flags())

    def finish(self) -> None:
        """Waits for the kube-apiserver and starts and awaits the rest."""
        self._running[0].wait_until(self._ready, within=READY_WITHIN)
        if self.bare:
            return
        self._start("kube-controller-manager", self._controller_flags())
        self._start("kube-scheduler", [f"--kubeconfig={self.kubeconfig_file}", *_alone(), *REQUEST_RATES])
        # The kwok of before a switch-off holds every node for another 40 s unless its leases go.
        self.api.ask("DELETE", api.path_of("Lease", namespace="kube-node-lease"))
        kwok = self._start("kwok", self._kwok_flags())
        kwok.wait_until(self._kwok_ready, within=READY_WITHIN)
        # Pods are refused until the controller-manager has made the account they run as.
        self._running[1].wait_until(self._has_default_account, within=READY_WITHIN)

    def switch_off(self) -> None:
        """As if the machine lost power: connections are refused. Data, address and identity stay."""
        while self._running:
            self._running.pop().stop()

    def switch_on(self) -> None:
        """Returns when the cluster is ready again, at the same address."""
        self.begin()
        self.finish()

    def expire_history(self) -> int:
        """From now on older resource versions and continue tokens get 410; returns the oldest revision left.

        Compacts etcd, which concerns all clusters of the bed, and restarts this kube-apiserver, because its
        watch cache would go on answering from memory. Takes as long as a start of the kube-apiserver.
        """
        self._running.pop(0).stop()
        oldest = self._etcd.compact()
        rest, self._running = self._running, []
        self.begin()
        self._running[0].wait_until(self._ready, within=READY_WITHIN)
        self._running += rest
        return oldest

    def pids(self) -> dict[str, int]:
        """Process ids by program; empty while switched off."""
        return {child.name.partition(".")[2]: child.pid for child in self._running}

    def _start(self, program: str, flags: Sequence[str]) -> processes.Child:
        child = self._run.start(f"{self.name}.{program}", [self._programs[program], *flags])
        self._running.append(child)
        return child

    def _write_files(self) -> Mapping[str, Path]:
        private, public = certificates.signer()
        server = self.authority.server()
        admin = self.authority.client(user="admin", group=certificates.ADMINISTRATORS)
        text = kubeconfig.with_certificate(
            name=self.name,
            server=self.server,
            authority=self.ca,
            certificate=admin.certificate,
            key=admin.key,
        )
        return certificates.store(
            self.folder,
            ca_crt=self.ca,
            server_crt=server.certificate,
            server_key=server.key,
            admin_pem=admin.certificate + admin.key,
            accounts_key=private,
            accounts_pub=public,
            kubeconfig=text.encode(),
        )

    def _tls(self, pair: certificates.Pair | None = None) -> ssl.SSLContext:
        context = _trust(self.ca)
        file = self._files["admin_pem"]
        if pair:
            file = certificates.store(self.folder, other_pem=pair.certificate + pair.key)["other_pem"]
        context.load_cert_chain(file)
        return context

    def _apiserver_flags(self) -> list[str]:
        return [
            f"--etcd-servers={self._etcd.url}",
            f"--etcd-prefix=/{self.name}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--cert-dir={self.folder}",
            f"--tls-cert-file={self._files['server_crt']}",
            f"--tls-private-key-file={self._files['server_key']}",
            f"--client-ca-file={self._files['ca_crt']}",
            f"--service-account-key-file={self._files['accounts_pub']}",
            f"--service-account-signing-key-file={self._files['accounts_key']}",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            "--allow-privileged",
            # Nobody makes the default account in a bare cluster, without which this plug-in refuses pods.
            *(["--disable-admission-plugins=ServiceAccount"] if self.bare else []),
            *self._flags,
        ]

    def _controller_flags(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig_file}",
            f"--service-account-private-key-file={self._files['accounts_key']}",
            f"--root-ca-file={self._files['ca_crt']}",
            f"--cert-dir={self.folder}",
            "--use-service-account-credentials",
            "--controllers=*," + ",".join(f"-{name}" for name in CONTROLLERS_OFF),
            *_alone(),
            *REQUEST_RATES,
        ]

    def _kwok_flags(self) -> list[str]:
        return [
            f"--kubeconfig={self.kubeconfig_file}",
            "--manage-all-nodes=true",
            f"--config={STAGES}",
            "--node-lease-duration-seconds=40",
            "--node-ip=127.0.0.1",
            f"--server-address=127.0.0.1:{self._kwok_port}",
        ]

    def _ready(self) -> bool:
        try:
            return self.api.send("GET", "/readyz", seconds=5).status == 200
        except OSError:
            return False

    def _kwok_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._kwok_port, timeout=5)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def _has_default_account(self) -> bool:
        return self.api.find("ServiceAccount", "default", namespace="default") is not None


class Bed:
    """All clusters of one run, by name, with the etcd beneath them."""

    def __init__(self) -> None:
        programs = build.locate(*build.BARE)
        self.run = processes.RunFolder()
        self._leases = ports.Ports(places.cache() / "ports")
        self.clusters: dict[str, Cluster] = {}
        try:
            self.etcd = etcd.Etcd(program=programs["etcd"], run=self.run, leases=self._leases)
        except BaseException:
            self.stop()
            raise

    def add(self, *plans: Plan) -> list[Cluster]:
        """Starts clusters side by side and returns them ready. A name is a key prefix, used once per bed."""
        added = []
        for plan in plans:
            if plan.name in self.clusters:
                raise ValueError(f"the bed has a cluster {plan.name} already")
            added.append(Cluster(plan=plan, run=self.run, leases=self._leases, store=self.etcd))
            self.clusters[plan.name] = added[-1]
        for cluster in added:
            cluster.begin()
        for cluster in added:
            cluster.finish()
        return added

    def stop(self) -> None:
        """Ends every process and removes all data."""
        self.run.close()
        self._leases.release()

    def __getitem__(self, name: str) -> Cluster:
        return self.clusters[name]

    def __enter__(self) -> "Bed":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


@contextlib.contextmanager
def start(*plans: Plan) -> Iterator[Bed]:
    """A bed with these clusters, ended on leaving."""
    with Bed() as bed:
        bed.add(*plans)
        yield bed


def _alone() -> tuple[str, str]:
    """One copy needs no election, and no port of its own."""
    return "--leader-elect=false", "--secure-port=0"


def _trust(authority: bytes) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.decode())
