# Long polls that end when a message comes.
#
# MiniStack 1.5 looks ten times a second whether a queue has something, where SQS answers at
# once: 50 ms of each message on an idle stack, which would be in every latency that is
# measured on it. Whatever makes a message visible sets its esm_wake, for the event source
# mappings; here that also ends the sleep of a ReceiveMessage.
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
            # From whatever thread: some of MiniStack's work is done on others.
            future.get_loop().call_soon_threadsafe(end, future)

    async def sleep(self, seconds):
        future = asyncio.get_running_loop().create_future()
        self.sleeping.add(future)
        try:
            await asyncio.wait_for(future, seconds)
        except asyncio.TimeoutError:  # before Python 3.11 it is not the built-in one
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
