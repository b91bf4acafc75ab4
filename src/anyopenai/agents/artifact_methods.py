"""`client.beta.agents.sessions.artifacts.for_result`: the method alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from .._resource import Resource

if TYPE_CHECKING:
    from ..resources.beta.agents.sessions.artifacts import Artifacts
    from .artifacts import AsyncAgentResultArtifacts
    from .result import AgentTurnResult

__all__ = ("ResultArtifacts",)


class ResultArtifacts(Resource):
    """What `client.beta.agents.sessions.artifacts` has beside the API's own methods."""

    __slots__ = ()

    def for_result(self, result: AgentTurnResult[object]) -> AsyncAgentResultArtifacts:
        """Return the files that one turn made, by their paths; nothing is sent yet.

        Args:
            result: What the turn ended with.

        Raises:
            TypeError: The namespace is a raw view, under which nothing is found by its path.
        """
        from ..streaming.helper import refuse_view
        from .artifacts import AsyncAgentResultArtifacts

        refuse_view(self._caller)
        return AsyncAgentResultArtifacts(cast("Artifacts", self), result)
