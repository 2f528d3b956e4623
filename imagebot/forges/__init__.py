"""Where pull requests live: one module per forge, this table, one contract suite.

Each satisfies `interfaces.Forge` by shape. What a constructor takes is the forge's own affair;
`clients` knows it from the settings.
"""

from imagebot.forges.azure_devops import AzureDevOps
from imagebot.forges.bitbucket import Bitbucket
from imagebot.forges.bitbucket_server import BitbucketServer
from imagebot.forges.gitea import Forgejo, Gitea
from imagebot.forges.github import GitHub
from imagebot.forges.gitlab import GitLab
from imagebot.forges.plain import Plain

FORGES: dict[str, type] = {
    each.name: each
    for each in (GitHub, GitLab, Gitea, Forgejo, Bitbucket, BitbucketServer, AzureDevOps, Plain)
}
