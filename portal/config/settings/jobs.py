"""Background work: what the rooms below the wiring must find by name."""

JOB_KINDS = "portal.config.job_kinds.KINDS"
JOB_AUTHORIZER = "portal.accounts.selectors.actor_may"
JOB_SENDER = "portal.config.celery.send"
