"""People, the accounts they sign in with, outside groups, and what they may do."""

from portal.accounts.models.bindings import Binding, BindingQuerySet, CustomRole, RightUse
from portal.accounts.models.factors import RecoveryCode, SecondFactor
from portal.accounts.models.groups import GroupMembership, GroupNesting, OutsideGroup
from portal.accounts.models.limits import Spending
from portal.accounts.models.outside_rules import DismissedProposal, GroupPattern, ProviderHold
from portal.accounts.models.passwords import EarlierPassword
from portal.accounts.models.people import SignInAttempt, User, UserManager, fold
from portal.accounts.models.providers import AdmittedPerson, Identity, Provider
from portal.accounts.models.right_changes import RightChange
from portal.accounts.models.round_trips import RoundTrip, SeenOnce
from portal.accounts.models.seals import SealSentinel
from portal.accounts.models.sessions import Session

__all__ = [
    "AdmittedPerson",
    "Binding",
    "BindingQuerySet",
    "CustomRole",
    "DismissedProposal",
    "EarlierPassword",
    "GroupMembership",
    "GroupNesting",
    "GroupPattern",
    "Identity",
    "OutsideGroup",
    "Provider",
    "ProviderHold",
    "RecoveryCode",
    "RightChange",
    "RightUse",
    "RoundTrip",
    "SealSentinel",
    "SecondFactor",
    "SeenOnce",
    "Session",
    "SignInAttempt",
    "Spending",
    "User",
    "UserManager",
    "fold",
]
