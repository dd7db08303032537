#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
from common import Recorder, uniform

record = Recorder()
x = uniform(3, 1, 4, 5)
record.case("reshape", lambda x: x.reshape(5, -1, 2), x)
record.case("flatten", lambda x: x.flatten(1, 2), x)
record.case("squeeze", lambda x: x.squeeze(1), x)
record.case("unsqueeze", lambda x: x.unsqueeze(-2), x)
record.write()
