"""doc/openapi.json held against real answers, both ways.

`Description.check()` fails on an answer that is not described: path, method, status, a
member too many, too few or of another kind. It also remembers what it saw, so that in
the end `missing()` can tell what is described and was never answered.
"""
import json
import os
import re

import jsonschema

from . import pixie

PATH = os.path.join(pixie.ROOT, "doc", "openapi.json")
PREFIX = "#/components/schemas/"


class Description:
    def __init__(self):
        with open(PATH) as f:
            self.doc = json.load(f)
        self.schemas = self.doc["components"]["schemas"]
        self.operations = {(method.upper(), path) for path, item in self.doc["paths"].items()
                           for method in item}
        self.answered, self.seen = set(), set()

    def operation(self, method, path):
        path = path.split("?")[0]
        for template in self.doc["paths"]:
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and \
                    method.lower() in self.doc["paths"][template]:
                return template, self.doc["paths"][template][method.lower()]
        raise AssertionError(f"{method} {path} is not described")

    def check(self, method, path, status, value):
        """An answer in JSON."""
        template, operation = self.operation(method, path)
        assert str(status) in operation["responses"], f"{method} {path}: {status} is not described"
        content = operation["responses"][str(status)]["content"]
        self.answered.add((method, template))
        self.check_schema(content["application/json"]["schema"]["$ref"][len(PREFIX):], value)

    def check_stream(self):
        self.answered.add(("GET", "/api/v1/events"))

    def check_text(self, path):
        self.answered.add(("GET", self.operation("GET", path)[0]))

    def check_schema(self, name, value):
        schema = {"$ref": PREFIX + name, "components": self.doc["components"]}
        error = jsonschema.exceptions.best_match(
            jsonschema.Draft202012Validator(schema).iter_errors(value))
        assert error is None, f"{name}: {error.message} at {list(error.absolute_path)} of {value}"
        self._remember(self.schemas[name], name, value)

    def _remember(self, schema, name, value):
        if "$ref" in schema:
            name = schema["$ref"][len(PREFIX):]
            schema = self.schemas[name]
        if "oneOf" in schema and value is not None:
            return self._remember(schema["oneOf"][0], name, value)
        if isinstance(value, list):
            for item in value:
                self._remember(schema["items"], name, item)
        elif isinstance(value, dict):
            for member, inner in value.items():
                self.seen.add((name, member))
                self._remember(schema["properties"][member], f"{name}.{member}", inner)

    def missing(self, schemas):
        """Members of these schemas that no answer had."""
        return {(name, member) for name in schemas for member in self.schemas[name]["properties"]
                } - self.seen

    def unanswered(self):
        return self.operations - self.answered
