"""Reads an OpenAPI document from standard input and says what is wrong with it, a line for each fault."""

import json
import sys

from openapi_spec_validator import OpenAPIV31SpecValidator

for fault in OpenAPIV31SpecValidator(json.load(sys.stdin)).iter_errors():
    print(f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}")
