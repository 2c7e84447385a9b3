# Makes long polls end when a message arrives.
#
# MiniStack 1.5 checks ten times a second whether a queue has a message, where SQS responds at
# once. On an idle stack this adds 50 ms per message to every measured latency. All code that makes
# a message visible sets esm_wake, for the event source mappings; here this also ends the sleep of
# a ReceiveMessage.
import asyncio

from ministack.services import sqs


class Wake:
    """esm_wake, as the module sqs sees it."""

    def __init__(self, event):
        self.event = event
        self.sleeping = set()

    def set(self):
        self.event.set()
        for future in tuple(self.sleeping):
            # set may be called from any thread: some of MiniStack's work runs on others.
            future.get_loop().call_soon_threadsafe(end, future)

    async def sleep(self, seconds):
        future = asyncio.get_running_loop().create_future()
        self.sleeping.add(future)
        try:
            await asyncio.wait_for(future, seconds)
        except asyncio.TimeoutError:  # before Python 3.11 this is not the built-in TimeoutError
            pass
        finally:
            self.sleeping.discard(future)


def end(future):
    if not future.done():
        future.set_result(None)


class Asyncio:
    """The module asyncio, as the module sqs sees it."""

    def __init__(self, sleep):
        self.sleep = sleep

    def __getattr__(self, name):
        return getattr(asyncio, name)


sqs.esm_wake = Wake(sqs.esm_wake)
sqs.asyncio = Asyncio(sqs.esm_wake.sleep)
