"""description.py URL FILE: fetches the OpenAPI document, validates it, keeps it."""

import json
import sys
import urllib.request

from openapi_spec_validator import OpenAPIV31SpecValidator

url, path = sys.argv[1:]
with urllib.request.urlopen(url) as answer:
    document = json.load(answer)
errors = list(OpenAPIV31SpecValidator(document).iter_errors())
for error in errors:
    print(f"{'/'.join(map(str, error.absolute_path))}: {error.message}", file=sys.stderr)
with open(path, "w", encoding="utf-8") as file:
    json.dump(document, file)
operations = sum(len(operations) for operations in document["paths"].values())
print(f"{operations} operations, {len(document['components']['schemas'])} schemas, {len(errors)} errors")
sys.exit(bool(errors) or operations < 25)
