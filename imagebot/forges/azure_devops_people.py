"""Who people are on Azure DevOps, and what they may do: reviewers, and who may command.

Network. Reviewers are looked up in the project's teams, so that no scope for identities is needed.
What somebody may do stands in the repository's access control list, with what groups give; to ask
it takes the identity's descriptor, which Microsoft's cloud tells on a host of its own.
"""

import re
from collections.abc import Sequence
from itertools import islice
from urllib.parse import quote

from imagebot.errors import ForgeError
from imagebot.forges import steps
from imagebot.forges.azure_devops_api import (
    API,
    AzureDevOpsApi,
    Identity,
    Listed,
    Repository,
)
from imagebot.forges.rest import Nothing, Told

MAX_TEAMS_READ = 100
MAX_MEMBERS_READ = 2_000
NEEDS_PERMISSIONS = (
    "a token with the scopes Identity (read) and Security (manage), which reads only"
)
_GIT_REPOSITORIES = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"  # the namespace of their permissions
_CONTRIBUTE = 4  # GenericContribute, its bit there
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class _Team(Told):
    id: str
    name: str


class _Member(Told):
    identity: Identity


class _Described(Told):
    descriptor: str


class _Effective(Told):
    effectiveAllow: int = 0
    effectiveDeny: int = 0


class _Entry(Told):
    extendedInfo: _Effective | None = None


class _AccessControlList(Told):
    acesDictionary: dict[str, _Entry]

    def effective(self, descriptor: str) -> _Effective:
        """Of one identity; its descriptor may be written with other capitals."""
        for name, entry in self.acesDictionary.items():
            if name.casefold() == descriptor.casefold() and entry.extendedInfo:
                return entry.extendedInfo
        return _Effective()


class AzureDevOpsPeople(AzureDevOpsApi):
    def may_write(self, author: str) -> bool:
        """Whether Contribute is allowed on the repository, by groups or otherwise, and not denied.

        Of branches with permissions of their own nothing is known here.
        """
        with self._api.asking(f"look up what {author} may do", NEEDS_PERMISSIONS):
            descriptor = self._descriptor(self._id_of(author))
            if descriptor is None:
                return False
            repository = self._api.ask("GET", self._place, Repository, query=API)
            # A repository without a list of its own has that of its project.
            for token in (f"{repository.project.id}/{repository.id}", repository.project.id):
                for each in self._access(f"repoV2/{token}", descriptor):
                    told = each.effective(descriptor)
                    return bool(told.effectiveAllow & ~told.effectiveDeny & _CONTRIBUTE)
        raise ForgeError(
            f"Azure DevOps tells no permissions of {self._project}",
            hint=f"imagebot needs {NEEDS_PERMISSIONS}; until then use labels in place of commands",
        )

    def _id_of(self, author: str) -> str:
        """As learned from the comments that were read."""
        if author not in self._ids:
            raise ForgeError(
                f"no comment by {author} was read, so it is not known who that is",
                hint="read the comments first",
            )
        return self._ids[author]

    def _descriptor(self, identity: str) -> str | None:
        """What access control lists name the identity by; None where there is no such one."""
        query = {**API, "identityIds": identity}
        shape = Listed[_Described | None]
        told = self._identity_api.ask("GET", "_apis/identities", shape, query=query)
        return next((each.descriptor for each in told.value if each), None)

    def _access(self, token: str, descriptor: str) -> Sequence[_AccessControlList]:
        path = f"_apis/accesscontrollists/{_GIT_REPOSITORIES}"
        wanted = {"token": token, "descriptors": descriptor, "includeExtendedInfo": "true"}
        shape = Listed[_AccessControlList]
        return self._api.ask("GET", path, shape, query={**API, **wanted}).value

    def _ask_reviews(self, number: int, names: Sequence[str]) -> None:
        """People by e-mail address, name or id, teams by name; all but ids are looked up."""
        identities: dict[str, str] = {}

        def ask(name: str) -> None:
            if name not in identities:
                raise ForgeError("no team of the project has such a name or member")
            with self._api.asking(f"request a review of pull request !{number}"):
                path = f"{self._pulls}/{number}/reviewers/{quote(identities[name])}"
                self._api.ask("PUT", path, Nothing, query=API, document={"vote": 0})

        with steps.warned(f"no review by {', '.join(names)}"):
            with self._api.asking("list the teams of the project"):
                identities |= self._identities(names)
            steps.ask_each(names, ask)

    def _identities(self, names: Sequence[str]) -> dict[str, str]:
        """Id by name. Teams first, then their members, until all names are known."""
        found = {name: name for name in names if _ID.fullmatch(name)}
        wanted = {name.rpartition("/")[2].casefold(): name for name in names if name not in found}
        if not wanted:
            return found
        path = f"_apis/projects/{self._team_project}/teams"
        teams = list(islice(self._pages(path, Listed[_Team], {}), MAX_TEAMS_READ))
        for team in teams:
            if name := wanted.pop(team.name.casefold(), None):
                found[name] = team.id
        for team in teams:
            if not wanted:
                break
            members = self._pages(f"{path}/{quote(team.id)}/members", Listed[_Member], {})
            for member in islice(members, MAX_MEMBERS_READ):
                for known_as in (member.identity.uniqueName, member.identity.displayName):
                    if name := wanted.pop((known_as or "").casefold(), None):
                        found[name] = member.identity.id
        return found
