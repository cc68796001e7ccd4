"""Writes the golden event file with TensorBoard's own protocol buffers and record writer.

Run from the repository root: python packages/runs/tests/golden/make.py   (needs `pip install tensorboard`)
"""

import json
import pathlib

from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c
from tensorboard.summary.writer.record_writer import RecordWriter

here = pathlib.Path(__file__).parent

PNG = bytes.fromhex("89504e470d0a1a0a")  # any bytes will do here: the framing does not look inside


def events():
    yield event_pb2.Event(wall_time=1700000000.25, file_version="brain.Event:2")
    yield event_pb2.Event(
        wall_time=1700000001.5,
        step=1,
        summary=summary_pb2.Summary(
            value=[
                summary_pb2.Summary.Value(tag="loss/total", simple_value=0.1),
                summary_pb2.Summary.Value(tag="bälle", simple_value=float("-inf")),
            ]
        ),
    )
    # A step beyond 32 bits and lengths beyond one varint byte.
    yield event_pb2.Event(
        wall_time=1700000002.0,
        step=2**40 + 7,
        summary=summary_pb2.Summary(
            value=[
                summary_pb2.Summary.Value(
                    tag="x" * 200,
                    image=summary_pb2.Summary.Image(
                        height=300, width=2, colorspace=3, encoded_image_string=PNG
                    ),
                )
            ]
        ),
    )
    yield event_pb2.Event(
        wall_time=1700000003.0, step=300, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START)
    )


with open(here / "events.bin", "wb") as file:
    writer = RecordWriter(file)
    for event in events():
        writer.write(event.SerializeToString())
    writer.flush()

checksums = {text: int(masked_crc32c(text.encode())) for text in ["", "a", "123456789", "brain.Event:2"]}
(here / "masked-crc32c.json").write_text(json.dumps(checksums, indent=2) + "\n")
