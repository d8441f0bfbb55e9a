"""People, the accounts they sign in with, outside groups, and what they may do."""

from portal.accounts.models.bindings import Binding, BindingQuerySet, CustomRole, RightUse
from portal.accounts.models.factors import RecoveryCode, SecondFactor
from portal.accounts.models.groups import GroupMembership, GroupNesting, OutsideGroup
from portal.accounts.models.people import SignInAttempt, User, UserManager, fold
from portal.accounts.models.providers import AdmittedPerson, Identity, Provider
from portal.accounts.models.sessions import Session

__all__ = [
    "AdmittedPerson",
    "Binding",
    "BindingQuerySet",
    "CustomRole",
    "GroupMembership",
    "GroupNesting",
    "Identity",
    "OutsideGroup",
    "Provider",
    "RecoveryCode",
    "RightUse",
    "SecondFactor",
    "Session",
    "SignInAttempt",
    "User",
    "UserManager",
    "fold",
]
