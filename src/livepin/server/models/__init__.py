"""What the server stores: tables and their constraints. Rules are in `actions`; a model knows none."""

from livepin.server.models.account import Account
from livepin.server.models.audit import AuditEntry
from livepin.server.models.host import Host, Pin
from livepin.server.models.job import Beat, Job
from livepin.server.models.key import Key
from livepin.server.models.look import Acknowledgement, Look, Notice
from livepin.server.models.mark import Mark
from livepin.server.models.membership import Invitation, Membership
from livepin.server.models.organization import Organization, RetiredIdentifier
from livepin.server.models.project import Project
from livepin.server.models.publish import Approval, Publish, PublishStep
from livepin.server.models.rate import Rate
from livepin.server.models.revision import Revision
from livepin.server.models.sign_in import Link, SignIn
from livepin.server.models.token import ApiToken

__all__ = [
    "Account",
    "Acknowledgement",
    "ApiToken",
    "Approval",
    "AuditEntry",
    "Beat",
    "Host",
    "Invitation",
    "Job",
    "Key",
    "Link",
    "Look",
    "Mark",
    "Membership",
    "Notice",
    "Organization",
    "Pin",
    "Project",
    "Publish",
    "PublishStep",
    "Rate",
    "RetiredIdentifier",
    "Revision",
    "SignIn",
]
