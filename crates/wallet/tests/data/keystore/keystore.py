# One JSON question on standard input, one JSON answer: opens and writes keystores with eth-keyfile.
import json
import sys

import eth_keyfile

question = json.load(sys.stdin)
password = question["password"].encode()
if "open" in question:
    secret = eth_keyfile.decode_keyfile_json(json.loads(question["open"]), password)
    answer = {"secret": secret.hex()}
else:
    # Its own costs for scrypt are those of geth; fewer rounds than its million of PBKDF2 are enough here.
    costs = {"iterations": 10_000} if question["kdf"] == "pbkdf2" else {}
    file = eth_keyfile.create_keyfile_json(bytes.fromhex(question["keep"]), password, kdf=question["kdf"], **costs)
    answer = {"file": json.dumps(file)}
json.dump(answer, sys.stdout)
