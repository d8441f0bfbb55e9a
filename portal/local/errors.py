"""What can go wrong on this machine. Every message ends with the remedy where there is one."""


class LocalError(Exception):
    """A start that cannot go on; the message is shown to the person as it is."""


class FolderRefused(LocalError):
    """A folder is somebody else's, open to others, or out of the servers' reach."""


class ServerFailed(LocalError):
    """An embedded server did not start; the message holds the last lines of its log."""


class AlreadyRunning(LocalError):
    """The data folder is in use by a living process."""


class StepFailed(LocalError):
    """A command of the start failed; the message holds its last lines."""
