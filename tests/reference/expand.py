#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
from common import Recorder, uniform

record = Recorder()
x = uniform(3, 1, 5)
record.case("middle", lambda x: x.expand(3, 4, 5), x)
record.case("leading", lambda x: x.expand(2, -1, 7, -1), x)
record.case("last", lambda x: x.expand(3, 1, 9), uniform(3, 1, 1))
record.write()
