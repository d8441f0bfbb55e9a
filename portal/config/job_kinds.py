"""Every kind of background work, written out."""

from django.utils.translation import gettext_lazy as _

from portal.jobs.kinds import Kind

KINDS = (
    Kind(
        "portal.jobs.beat", _("Heartbeat"), "portal.jobs.tasks.beat", "default", 20, 1, "system", prune=True
    ),
    Kind(
        "portal.jobs.beat_sync", _("Heartbeat"), "portal.jobs.tasks.beat", "sync", 20, 1, "system", prune=True
    ),
    Kind(
        "portal.jobs.beat_billing",
        _("Heartbeat"),
        "portal.jobs.tasks.beat",
        "billing",
        20,
        1,
        "system",
        prune=True,
    ),
    Kind(
        "portal.jobs.prune",
        _("Forget old jobs"),
        "portal.jobs.tasks.prune",
        "default",
        60,
        3,
        "system",
        prune=True,
    ),
    Kind(
        "clusters.registry.check",
        _("Check a cluster"),
        "clusters.registry.tasks.check",
        "default",
        60,
        2,
        "cluster.edit",
    ),
    Kind(
        "clusters.registry.purge",
        _("Remove old candidates"),
        "clusters.registry.tasks.purge",
        "default",
        60,
        3,
        "system",
        prune=True,
    ),
    Kind(
        "clusters.inventory.drain",
        _("Sync a cluster"),
        "clusters.inventory.tasks.drain",
        "sync",
        120,
        1,
        "system",
        prune=True,
    ),
    Kind(
        "clusters.inventory.forget",
        _("Forget objects gone for a week"),
        "clusters.inventory.tasks.forget",
        "default",
        120,
        3,
        "system",
        prune=True,
    ),
    Kind(
        "billing.metering.fold",
        _("Measure a cluster"),
        "billing.metering.tasks.fold",
        "billing",
        120,
        3,
        "system",
        prune=True,
    ),
    Kind(
        "billing.ledger.close_hour",
        _("Close hours of a cluster"),
        "billing.ledger.tasks.close_hour",
        "billing",
        300,
        5,
        "system",
        prune=True,
    ),
    Kind(
        "portal.home.remove_demo",
        _("Remove the demo"),
        "portal.home.tasks.remove_demo",
        "default",
        300,
        3,
        "demo.edit",
    ),
)
