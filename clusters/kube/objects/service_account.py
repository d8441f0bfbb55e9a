"""ServiceAccounts: whether pods get a token of theirs unasked, and what they pull images with. No Secret is read."""

import msgspec

from clusters.kube.objects.metadata import NULL, Item, decoded


class ServiceAccount(Item, gc=False, rename="camel"):
    automount_service_account_token: bool | None = None
    image_pull_secrets: msgspec.Raw = NULL


class Reference(msgspec.Struct, gc=False):
    name: str | None = None


class ServiceAccountRow(msgspec.Struct, gc=False, frozen=True):
    automount: bool
    pull_secrets: list[str]


_REFERENCES = msgspec.json.Decoder(list[Reference] | None)


def extract(item: ServiceAccount) -> ServiceAccountRow:
    references = decoded(_REFERENCES, item.image_pull_secrets) or []
    return ServiceAccountRow(
        automount=item.automount_service_account_token is not False,
        pull_secrets=[reference.name for reference in references if reference.name],
    )
