"""What can go wrong between Paddock and a cluster.

Each error carries a short text for people and a remedy. Neither ever holds a credential or a byte of an
answer's body: what a server says is not repeated to whoever asked.
"""

from typing import ClassVar


class KubeError(Exception):
    """Base of all errors of this room; `code` is what gets stored, `text` and `remedy` are what gets shown."""

    code: ClassVar[str] = "error"
    remedy: str = ""

    def __init__(self, text: str, *, remedy: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        if remedy is not None:
            self.remedy = remedy


class NameNotResolved(KubeError):
    code = "name_not_resolved"
    remedy = "Check the host name in the server address, and that the name servers of Paddock know it."


class AddressRefused(KubeError):
    code = "address_refused"
    remedy = "Use the address under which the API server itself is reached."


class Unreachable(KubeError):
    code = "unreachable"
    remedy = "Check that the API server runs and that a firewall lets Paddock reach its address and port."


class TlsFailed(KubeError):
    """`reason` is one of the keys of REASONS."""

    code = "tls_failed"

    REASONS: ClassVar[dict[str, tuple[str, str]]] = {
        "expired": (
            "The certificate of the server has expired.",
            "Renew the certificate of the API server, then try again.",
        ),
        "not_yet_valid": (
            "The certificate of the server is not valid yet.",
            "Compare the clocks of Paddock and of the API server.",
        ),
        "unknown_ca": (
            "The certificate of the server was not signed by the given authority.",
            "Take certificate-authority-data from a current kubeconfig of this cluster.",
        ),
        "wrong_name": (
            "The certificate of the server is for another name or address.",
            "Use a server address that the certificate names, or add the name to the certificate.",
        ),
        "old_protocol": (
            "The server does not speak TLS 1.2 or later.",
            "Allow TLS 1.2 or 1.3 on the API server.",
        ),
        "not_tls": (
            "The server does not speak TLS at this address and port.",
            "Check the port of the server address.",
        ),
        "client_certificate": (
            "The server did not accept the client certificate.",
            "Take client-certificate-data and client-key-data from a current kubeconfig.",
        ),
        "bad_material": (
            "The certificates or the key of this connection cannot be used.",
            "Check that the client certificate and the key belong together and that the authority is a certificate.",
        ),
        "other": (
            "The TLS handshake failed.",
            "Check the server address and what stands between Paddock and the API server.",
        ),
    }

    def __init__(self, reason: str) -> None:
        text, remedy = self.REASONS[reason]
        super().__init__(text, remedy=remedy)
        self.reason = reason


class Unauthorized(KubeError):
    code = "unauthorized"
    remedy = "The token or certificate is wrong or has run out: give the cluster a new one."

    def __init__(self) -> None:
        super().__init__("The API server did not accept the credential (401).")


class Forbidden(KubeError):
    code = "forbidden"
    remedy = "Apply the manifests of the role paddock to the cluster."

    def __init__(self, path: str) -> None:
        super().__init__(f"The credential has no right to {path} (403).")


class NotFound(KubeError):
    code = "not_found"
    remedy = "This server does not have the kind; an older version or a missing add-on is the usual cause."

    def __init__(self, path: str) -> None:
        super().__init__(f"The API server does not know {path} (404).")


class Gone(KubeError):
    """410, as a status or inside a watch: the position or the continue token is too old. List again."""

    code = "gone"
    remedy = "Nothing to do: the next pass reads the whole list again."

    def __init__(self) -> None:
        super().__init__("The position in the list is too old (410).")


class TooManyRequests(KubeError):
    """`retry_after`: seconds the server asked for, None when it named none or named nonsense."""

    code = "too_many_requests"
    remedy = "Nothing to do: the next pass waits as long as the server asked for."

    def __init__(self, retry_after: float | None) -> None:
        super().__init__("The API server is busy and asked to be left alone for a while (429).")
        self.retry_after = retry_after


class ServerError(KubeError):
    """Any 5xx, and a watch that the server ended by an error of its own."""

    code = "server_error"
    remedy = "Look at the log of the API server."

    def __init__(self, status: int, *, retry_after: float | None = None) -> None:
        super().__init__(f"The API server failed ({status}).")
        self.status = status
        self.retry_after = retry_after


class Rejected(KubeError):
    """Any other status that is no success: redirects (never followed) and the rest of 4xx."""

    code = "rejected"
    remedy = "Check that the server address is that of a Kubernetes API server, without a sign-in page before it."

    def __init__(self, status: int) -> None:
        super().__init__(f"The server answered with status {status}.")
        self.status = status


class CutShort(KubeError):
    code = "cut_short"
    remedy = "Nothing to do: the next pass tries again. If it stays, look at the proxies before the API server."

    def __init__(self) -> None:
        super().__init__("The connection ended in the middle of an answer.")


class TooLarge(KubeError):
    code = "too_large"
    remedy = "Check that the address is that of a Kubernetes API server."

    def __init__(self, limit: int) -> None:
        super().__init__(f"The answer is larger than the {limit // 1024} KiB allowed for it.")
        self.limit = limit


class DeadlinePassed(KubeError):
    code = "deadline_passed"
    remedy = "Nothing to do: the next pass tries again. If it stays, the API server or the way to it is too slow."

    def __init__(self, what: str) -> None:
        super().__init__(f"The time for {what} ran out.")


class Undecodable(KubeError):
    """The answer came whole but is not what was asked for."""

    code = "undecodable"
    remedy = "Check that the server address is that of a Kubernetes API server."

    def __init__(self, why: str) -> None:
        super().__init__(f"The answer could not be understood: {why}.")


class OutcomeUnknown(KubeError):
    """A change was sent and its answer never came whole: it may be done or not. Read the object to know.

    `cause` is what broke.
    """

    code = "outcome_unknown"
    remedy = "Nothing to do: the next pass looks at the object and goes on from what it finds."

    def __init__(self, cause: KubeError) -> None:
        super().__init__(f"Whether the change was made is not known: {cause.text}")
        self.cause = cause


# Errors that leave open what the server did with a request of which it may have heard.
SILENCE = (CutShort, DeadlinePassed, TooLarge, Undecodable, ServerError, Unreachable)
