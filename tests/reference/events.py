#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""An event file by the tensorboard package, with its own messages and its own record writer.

    python3 tests/reference/events.py          writes events.tfevents next to this file
    python3 tests/reference/events.py FOLDER   prints what TensorBoard reads in a folder
"""
import pathlib
import sys

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def show(folder):
    events = event_accumulator.EventAccumulator(folder, size_guidance={"tensors": 0, "scalars": 0,
                                                                       "histograms": 0})
    events.Reload()
    tags = events.Tags()
    for tag in tags["scalars"]:
        print(tag, [(e.step, round(e.value, 6)) for e in events.Scalars(tag)])
    for tag in tags["histograms"]:
        print(tag, [(e.step, e.histogram_value.num) for e in events.Histograms(tag)])
    for tag in tags["images"]:
        print(tag, [(e.step, e.width, e.height) for e in events.Images(tag)])
    for tag in tags["tensors"]:
        print(tag, [(e.step, e.tensor_proto.string_val) for e in events.Tensors(tag)])


def write(path):
    metadata = summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text"))
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])
    text = tensor_pb2.TensorProto(dtype=7, tensor_shape=shape, string_val=[b"**bold**"])
    histogram = summary_pb2.HistogramProto(
        min=-1, max=2, num=4, sum=1.5, sum_squares=5.25,
        bucket_limit=[-1 + 0.1 * (i + 1) for i in range(29)] + [2],
        bucket=[1] + [0] * 9 + [1] + [0] * 4 + [1] + [0] * 13 + [1])
    values = [
        (0, summary_pb2.Summary.Value(tag="loss/train", simple_value=2.5)),
        (300, summary_pb2.Summary.Value(tag="loss/train", simple_value=0.0)),
        (300, summary_pb2.Summary.Value(tag="weights", histo=histogram)),
        (301, summary_pb2.Summary.Value(tag="image", image=summary_pb2.Summary.Image(
            height=2, width=3, colorspace=3, encoded_image_string=b"\x89PNG not really"))),
        (301, summary_pb2.Summary.Value(tag="run/text_summary", tensor=text, metadata=metadata)),
    ]
    events = [event_pb2.Event(wall_time=1700000000.5, file_version="brain.Event:2"),
              event_pb2.Event(wall_time=1700000000.5, step=7, session_log=event_pb2.SessionLog(
                  status=event_pb2.SessionLog.START))]
    for step, value in values:
        events.append(event_pb2.Event(wall_time=1700000000.5, step=step,
                                      summary=summary_pb2.Summary(value=[value])))
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


if len(sys.argv) > 1:
    show(sys.argv[1])
else:
    write(pathlib.Path(__file__).with_suffix(".tfevents"))
