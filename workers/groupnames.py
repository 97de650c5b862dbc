"""Learning the names and disappearing timers of the account's groups: what events told while nobody heard."""

import asyncio
from functools import partial

import structlog

from wagateway.contract import Problem
from workers.engine import Engine
from workers.shard import Shard
from workers.shard.groups import keep_groups

log = structlog.get_logger()


class GroupNames:
    """Asks WhatsApp for all groups after the first login; if that fails, after the next one again.

    Later changes come as events, also those made while the connection was lost for a time.
    """

    def __init__(self, engine: Engine, shard: Shard) -> None:
        self._engine = engine
        self._shard = shard
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """The device has logged in; call this on the loop."""
        self._woken.set()

    async def run(self) -> None:
        """Learn them, once, when the device has logged in."""
        learnt = False
        while not learnt:
            await self._woken.wait()
            self._woken.clear()
            learnt = await self._learn()

    async def _learn(self) -> bool:
        try:
            told = await self._engine.group_news()
            await asyncio.wrap_future(self._shard.write(partial(keep_groups, told=told), lazy=True))
        except Problem as problem:
            log.warning("groups.not_learnt", code=problem.code, why=problem.message)
            return False
        except Exception:  # a bug here would end the worker after each of its logins
            log.exception("groups.unreadable")
            return False
        return True
