"""Tag lists as registries have them, and what a careful person would take from them.

Facts, written down by hand. A row says what is right, not what the code does: never an older tag,
another variant, a pre-release or another precision; None where the order cannot be known. `why` is
there where the answer is not obvious.
"""

from tests.selection.tag_lists.application_images import APPLICATIONS
from tests.selection.tag_lists.cluster_images import CLUSTER
from tests.selection.tag_lists.company_builds import COMPANY
from tests.selection.tag_lists.data_images import DATA
from tests.selection.tag_lists.language_images import LANGUAGES
from tests.selection.tag_lists.listing import Case, Listing
from tests.selection.tag_lists.system_images import SYSTEM
from tests.selection.tag_lists.web_images import WEB

LISTINGS: tuple[Listing, ...] = (
    *WEB,
    *DATA,
    *SYSTEM,
    *LANGUAGES,
    *CLUSTER,
    *APPLICATIONS,
    *COMPANY,
)

__all__ = ["LISTINGS", "Case", "Listing"]
