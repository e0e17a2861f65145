"""Reads what we wrote, and writes the same values itself, with libraries that we did not write.

Takes a list of cases as JSON on stdin: format, value, bytes (base64), and for Avro the schema. Prints a list with what was
read, and the bytes of what was written, in each of the ways that the library knows.
"""

import base64
import io
import json
import re
import sys

import cbor2
import fastavro
import msgpack
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form
from lxml import etree


def whole(text):
    """JSON writes large doubles without a point; as whole numbers they would fit nowhere."""
    value = int(text)
    return value if abs(value) < 2**53 else float(text)


# ---- XML: the mapping of docs/formats.md, with every type said --------------------------------------------------------

NAME = re.compile(r"^(?!xml)[A-Za-z_][A-Za-z0-9._-]*$", re.IGNORECASE)
UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def kind_of(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return {str: "string", int: "number", float: "number", list: "array", dict: "object"}[type(value)]


def fill(element, value):
    kind = kind_of(value)
    if kind == "string" and UNSPEAKABLE.search(value):
        element.set("escaped", "json")
        element.text = json.dumps(value)
        return
    element.set("type", kind)
    if kind == "array":
        for item in value:
            fill(etree.SubElement(element, "item"), item)
    elif kind == "object":
        for name, field in value.items():
            if NAME.match(name) and name not in ("constructor", "prototype"):
                child = etree.SubElement(element, name)
            else:
                child = etree.SubElement(element, "entry")
                if UNSPEAKABLE.search(name):
                    child.set("json-key", json.dumps(name))
                else:
                    child.set("key", name)
            fill(child, field)
    elif kind == "string":
        element.text = value
    elif kind != "null":
        element.text = json.dumps(value)


def value_in(element, like):
    """The value of an element; where it does not say its type, that of the value which it is to be."""
    text = element.text or ""
    if element.get("escaped") == "json":
        return json.loads(text)
    kind = element.get("type") or kind_of(like)
    if kind == "array":
        return [value_in(child, like[index]) for index, child in enumerate(element)]
    if kind == "object":
        fields = {}
        for child in element:
            name = child.get("key", child.tag)
            if child.get("json-key") is not None:
                name = json.loads(child.get("json-key"))
            fields[name] = value_in(child, like[name])
        return fields
    if kind == "string":
        return text
    return None if kind == "null" else json.loads(text)


def read_xml(data, case):
    return value_in(etree.fromstring(data), case["value"])


def write_xml(value, case):
    root = etree.Element("root")
    fill(root, value)
    return [
        etree.tostring(root, xml_declaration=True, encoding="UTF-8"),
        etree.tostring(root, encoding="US-ASCII"),  # everything else by number
        etree.tostring(root, encoding="UTF-8", pretty_print=True),
    ]


# ---- Avro: single objects, and the mapping of docs/formats.md ---------------------------------------------------------

NULL = "ExplicitNull"


def branches_of(schema):
    return schema if isinstance(schema, list) else [schema]


def named(schema, names):
    if isinstance(schema, dict) and "name" in schema:
        full = f'{schema.get("namespace")}.{schema["name"]}'
        names[full] = schema
        return full
    return schema if isinstance(schema, str) and schema in names else None


def collect(schema, names):
    if isinstance(schema, list):
        for branch in schema:
            collect(branch, names)
    elif isinstance(schema, dict):
        named(schema, names)
        for part in ("items", "values"):
            collect(schema.get(part), names)
        for field in schema.get("fields", []):
            collect(field["type"], names)


def resolved(schema, names):
    return names.get(schema, schema) if isinstance(schema, str) else schema


def type_of(schema):
    return schema["type"] if isinstance(schema, dict) else schema


def optional(field):
    return field.get("default", 0) is None


def from_avro(schema, value, names):
    if isinstance(schema, list):
        if value is None:
            return None
        if isinstance(value, tuple):
            full, inner = value
            return None if full.endswith(NULL) else from_avro(names[full], inner, names)
        for branch in schema:
            if type_of(resolved(branch, names)) in KINDS[kind_of(value)]:
                return from_avro(branch, value, names)
        raise ValueError(f"{value} is in no branch of {schema}")
    schema = resolved(schema, names)
    kind = type_of(schema)
    if kind == "record":
        fields = {}
        for field in schema["fields"]:
            own = value[field["name"]]
            if not (optional(field) and own is None):
                fields[field.get("jsonName", field["name"])] = from_avro(field["type"], own, names)
        return fields
    if kind == "array":
        return [from_avro(schema["items"], item, names) for item in value]
    if kind == "map":
        return {name: from_avro(schema["values"], field, names) for name, field in value.items()}
    if isinstance(schema, dict) and schema.get("logicalType") == "json":
        return json.loads(value)
    return value


KINDS = {
    "null": ["null"],
    "boolean": ["boolean"],
    "string": ["string", "enum"],
    "number": ["long", "double"],
    "array": ["array"],
    "object": ["map", "record"],
}


def fits(schema, value, names):
    if isinstance(schema, list):
        return any(fits(branch, value, names) for branch in schema)
    schema = resolved(schema, names)
    kind = type_of(schema)
    if isinstance(schema, dict) and schema.get("logicalType") == "json":
        return True
    if kind not in KINDS[kind_of(value)]:
        return False
    if kind == "long":
        return isinstance(value, int)
    if kind == "enum":
        return value in schema["symbols"]
    if kind == "record":
        known = {field.get("jsonName", field["name"]): field for field in schema["fields"]}
        return set(value) <= set(known) and all(
            fits(field["type"], value[name], names) if name in value else optional(field)
            for name, field in known.items()
        )
    return True


def to_avro(schema, value, names, field=None):
    if isinstance(schema, list):
        rest = schema
        if field is not None and optional(field):
            null = [branch for branch in schema if (named(branch, names) or "").endswith(NULL)]
            if value is None and null:
                return (named(null[0], names), "NULL")
            rest = [branch for branch in schema if branch not in null]
        branch = next(branch for branch in rest if fits(branch, value, names))
        full = named(branch, names)
        inner = to_avro(branch, value, names)
        return inner if full is None else (full, inner)
    schema = resolved(schema, names)
    kind = type_of(schema)
    if kind == "record":
        fields = {}
        for each in schema["fields"]:
            name = each.get("jsonName", each["name"])
            if name in value:
                fields[each["name"]] = to_avro(each["type"], value[name], names, each)
        return fields
    if kind == "array":
        return [to_avro(schema["items"], item, names) for item in value]
    if kind == "map":
        return {name: to_avro(schema["values"], each, names) for name, each in value.items()}
    if isinstance(schema, dict) and schema.get("logicalType") == "json":
        return json.dumps(value)
    return float(value) if kind == "double" else value


def prepared(case):
    names = {}
    collect(case["schema"], names)
    canonical = to_parsing_canonical_form(case["schema"])
    return parse_schema(case["schema"]), names, bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


def read_avro(data, case):
    schema, names, mark = prepared(case)
    if data[:10] != b"\xc3\x01" + mark:
        raise ValueError(f"begins with {data[:10].hex()}, not with c301{mark.hex()}")
    body = io.BytesIO(data[10:])
    value = fastavro.schemaless_reader(body, schema, None, return_named_type=True)
    if body.read():
        raise ValueError("bytes follow the value")
    return from_avro(case["schema"], value, names)


def write_avro(value, case):
    schema, names, mark = prepared(case)
    body = io.BytesIO()
    fastavro.schemaless_writer(body, schema, to_avro(case["schema"], value, names))
    return [b"\xc3\x01" + mark + body.getvalue()]


FORMATS = {
    "msgpack": (
        lambda data, case: msgpack.unpackb(data),
        lambda value, case: [msgpack.packb(value)],
    ),
    "cbor": (
        lambda data, case: cbor2.loads(data),
        lambda value, case: [
            cbor2.dumps(value),
            cbor2.dumps(value, canonical=True),
            cbor2.dumps(value, indefinite_containers=True),
        ],
    ),
    "xml": (read_xml, write_xml),
    "avro": (read_avro, write_avro),
}

answers = []
for case in json.loads(sys.stdin.read(), parse_int=whole):
    reading, writing = FORMATS[case["format"]]
    answer = {}
    try:
        answer["read"] = reading(base64.b64decode(case["bytes"]), case)
        written = writing(case["value"], case)
        answer["written"] = [base64.b64encode(each).decode() for each in written]
    except Exception as error:  # told with the case that it belongs to
        answer["error"] = f"{type(error).__name__}: {error}"
    answers.append(answer)
json.dump(answers, sys.stdout, allow_nan=False)
