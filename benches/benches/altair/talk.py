"""Talks to children of its own, over a Unix socket and through shared memory, and says how long each message took there and back.

A line that is read is WAY BYTES TIMES, or `end`; a line that is written holds as many numbers of nanoseconds."""

import json
import os
import socket
import sys
import time
from multiprocessing import shared_memory


def whole(stream, view):
    """Reads as much as there is room for; leaves when the other end is gone."""
    while view:
        read = stream.recv_into(view)
        if not read:
            os._exit(0)
        view = view[read:]


def over_a_socket(size):
    ours, theirs = socket.socketpair()
    message = memoryview(bytearray(size))
    if os.fork() == 0:
        ours.close()
        while True:
            whole(theirs, message)
            theirs.sendall(message)
    theirs.close()

    def trip():
        ours.sendall(message)
        whole(ours, message)

    return trip


def through_memory(size):
    """Each side copies its message in and the other's out, as a socket does. A byte in a pipe wakes the other."""
    memory = shared_memory.SharedMemory(create=True, size=2 * size)
    memories.append(memory)
    there, back = memory.buf[:size], memory.buf[size : 2 * size]
    (asked, ask), (answered, answer) = os.pipe(), os.pipe()
    message = memoryview(bytearray(size))
    if os.fork() == 0:
        os.close(ask)
        while os.read(asked, 1):
            message[:] = there
            back[:] = message
            os.write(answer, b".")
        os._exit(0)
    os.close(asked)

    def trip():
        there[:] = message
        os.write(ask, b".")
        os.read(answered, 1)
        message[:] = back

    return trip


memories = []
sizes = [int(size) for size in sys.argv[1:]]
trips = {("socket", size): over_a_socket(size) for size in sizes} | {("shared", size): through_memory(size) for size in sizes}
for line in sys.stdin:
    if line == "end\n":
        break
    way, size, times = line.split()
    trip = trips[way, int(size)]
    took = []
    for _ in range(int(times)):
        begun = time.perf_counter_ns()
        trip()
        took.append(time.perf_counter_ns() - begun)
    print(json.dumps(took), flush=True)
for memory in memories:
    memory.unlink()
os._exit(0)
