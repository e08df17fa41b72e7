"""chain.py URL: waits until the node has a few blocks, so that lists have something in them."""

import json
import sys
import time
import urllib.request

until = time.monotonic() + 120
while True:
    with urllib.request.urlopen(f"{sys.argv[1]}/api/v1/status") as answer:
        if json.load(answer)["height"] >= 3:
            break
    if time.monotonic() > until:
        sys.exit("no blocks within two minutes")
    time.sleep(0.2)
