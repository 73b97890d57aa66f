"""Asks pymediainfo about every input it reads, as a function would; run by the smoke checks.

argv[1] is put on the module path, as a function does with a folder of its own; nothing where it is empty.
stdin is a JSON list of inputs; stdout gets one line of JSON for each.
"""

import json
import sys

if sys.argv[1]:
    sys.path.insert(0, sys.argv[1])

from pymediainfo import MediaInfo

for name in json.load(sys.stdin):
    try:
        answer = {"tracks": MediaInfo.parse(name).to_data()["tracks"]}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
