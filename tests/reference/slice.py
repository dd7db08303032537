#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
from common import Recorder, uniform

record = Recorder()
x = uniform(4, 9, 5)
record.case("slice0", lambda x: x[1:3], x)
record.case("slice1", lambda x: x[:, 2:-1:3], x)
record.case("slice2", lambda x: x[:, :, -4:99:2], x)
record.case("narrow", lambda x: x.narrow(1, -5, 3), x)
record.case("select", lambda x: x.select(1, -2), x)
record.write()
