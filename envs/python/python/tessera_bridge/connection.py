"""Frames on one socket: `u32 length | u8 kind | 3 zero bytes | u32 length of the JSON | JSON | raw bytes`, all little-endian.

`length` counts what follows the 12 bytes of the header. The end of the stream is the end of this process: nobody is left to work for.
"""

import ctypes
import json
import os
import select
import signal
import struct
import sys
import threading

HEADER = struct.Struct("<IB3xI")
# The longest text that the other side can hold, and the largest number that the header can.
LONGEST_JSON = 2**29 - 24
LARGEST_FRAME = 2**32 - 1


class Connection:
    def __init__(self, descriptor):
        self.descriptor = descriptor
        os.set_blocking(descriptor, True)
        os.set_inheritable(descriptor, False)
        _die_with_parent()
        threading.Thread(target=_watch, args=(descriptor,), daemon=True).start()

    def read(self):
        """The next frame: its kind, its JSON (None where there is none) and its raw bytes."""
        length, kind, json_length = HEADER.unpack(self._read_exactly(HEADER.size))
        body = memoryview(self._read_exactly(length))
        data = json.loads(bytes(body[:json_length]).decode()) if json_length else None
        return chr(kind), data, body[json_length:]

    def _read_exactly(self, size):
        buffer = bytearray(size)
        view = memoryview(buffer)
        while view:
            count = os.readv(self.descriptor, [view])
            if count == 0:
                os._exit(0)
            view = view[count:]
        return buffer

    def write(self, kind, data=None, arrays=()):
        """One frame; `arrays` are C-contiguous and are written from where they lie."""
        text = b"" if data is None else json.dumps(data, allow_nan=False).encode()
        raw = [memoryview(array).cast("B") for array in arrays if array.nbytes]
        length = len(text) + sum(part.nbytes for part in raw)
        if len(text) > LONGEST_JSON or length > LARGEST_FRAME:
            raise ValueError("an answer of %d bytes, %d of them JSON, is too large. Put fewer environments into a child." % (length, len(text)))
        parts = [memoryview(HEADER.pack(length, ord(kind), len(text)) + text), *raw]
        try:
            while parts:
                count = os.writev(self.descriptor, parts[:64])
                while parts and count >= parts[0].nbytes:
                    count -= parts.pop(0).nbytes
                if count:
                    parts[0] = parts[0][count:]
        except BrokenPipeError:
            os._exit(0)


def _watch(descriptor):
    """Ends this process when the other end closes, even while an environment is at work."""
    poll = select.poll()
    poll.register(descriptor, 0)
    while True:
        for _, event in poll.poll():
            if event & (select.POLLHUP | select.POLLERR | select.POLLNVAL):
                os._exit(0)


def _die_with_parent():
    """Linux ends this process with its parent even when an environment blocks all threads. Elsewhere the watch has to do."""
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        pass
