"""The nouns of the service as tables. Only shapes and constraints; what happens to them lives in the rooms of verbs."""

from moderation.models.access import Authenticator, Passkey, RecoveryCode, SignIn
from moderation.models.alarms import Alarm
from moderation.models.audit import AuditEntry
from moderation.models.automation import Automation, Draw, Fate
from moderation.models.batches import Batch, BatchItem
from moderation.models.channels import Channel, News
from moderation.models.closings import Closing, Door
from moderation.models.comments import Article, Assessment, Comment, Fingerprint, PastText, ReceivedEvent, Status
from moderation.models.decisions import Decision, Delivery, Maker, Outcome
from moderation.models.desk import Claim, Deferral
from moderation.models.imports import UnfinishedImport
from moderation.models.learning import Burst, LearnedModel, Learner, ModelState, Traits
from moderation.models.moderators import Moderator, Role, SiteRole
from moderation.models.notices import Appeal, Letter, Notice
from moderation.models.quotas import AkismetQuestion, AkismetUse, CoralComment, Quota
from moderation.models.shifts import Shift, ShiftLink
from moderation.models.sites import HouseRule, RelevanceAdaptation, RuleSet, Scope, Site, SiteKey

__all__ = [
    "AkismetQuestion",
    "AkismetUse",
    "Alarm",
    "Appeal",
    "Article",
    "Assessment",
    "AuditEntry",
    "Authenticator",
    "Automation",
    "Batch",
    "BatchItem",
    "Burst",
    "Channel",
    "Claim",
    "Closing",
    "Comment",
    "CoralComment",
    "Decision",
    "Deferral",
    "Delivery",
    "Door",
    "Draw",
    "Fate",
    "Fingerprint",
    "HouseRule",
    "LearnedModel",
    "Learner",
    "Letter",
    "Maker",
    "ModelState",
    "Moderator",
    "News",
    "Notice",
    "Outcome",
    "Passkey",
    "PastText",
    "Quota",
    "ReceivedEvent",
    "RecoveryCode",
    "RelevanceAdaptation",
    "Role",
    "RuleSet",
    "Scope",
    "Shift",
    "ShiftLink",
    "SignIn",
    "Site",
    "SiteKey",
    "SiteRole",
    "Status",
    "Traits",
    "UnfinishedImport",
]
