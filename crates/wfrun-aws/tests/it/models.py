"""Answers as they came, held against botocore's models.

No unknown key, no null, no key twice, none missing, no wrong type, nothing where nothing should be; and what botocore makes of an answer is
within the bounds of its model. What does not fit is a line of `problems`; `checked` has the operations that were looked at.
"""

import json
import xml.etree.ElementTree as ElementTree

from botocore.validate import ParamValidator

problems, checked = [], set()


def watch(events):
    """Holds every answer of a session or client against its model, by botocore's events."""
    events.register("before-parse", check)
    events.register("after-call", check_parsed)


def check(operation_model, response_dict, **_):
    """The answer as it came."""
    shape, name = operation_model.output_shape, operation_model.name
    if response_dict["status_code"] >= 300:
        return
    checked.add(name)
    protocol = operation_model.service_model.protocol
    if protocol == "ec2":
        walk_ec2(shape, ElementTree.fromstring(response_dict["body"]), name)
    elif protocol == "query":
        check_result(shape, ElementTree.fromstring(response_dict["body"]), name)
    elif shape is None:
        if response_dict["body"]:
            problems.append(f"{name}: a body without output")
    else:
        walk_json(shape, json.loads(response_dict["body"]), name)


def check_parsed(http_response, parsed, model, **_):
    """The answer as botocore reads it: lengths, ranges, and what is required."""
    if http_response.status_code < 300 and model.output_shape is not None:
        members = {name: as_sent(value) for name, value in parsed.items() if name != "ResponseMetadata"}
        report = ParamValidator().validate(members, model.output_shape)
        if report.has_errors():
            problems.append(f"{model.name}: {report.generate_report()}")


def check_error(http_response, parsed, model, **_):
    """For services whose models list all their errors: an error is one of the operation's."""
    if http_response.status_code >= 300 and parsed["Error"]["Code"] not in [shape.name for shape in model.error_shapes]:
        problems.append(f"{model.name}: error {parsed['Error']['Code']} is not in its model")


def as_sent(value):
    """botocore reads policy documents; the model has texts."""
    if isinstance(value, dict) and "Statement" in value:
        return json.dumps(value)
    if isinstance(value, dict):
        return {name: as_sent(member) for name, member in value.items()}
    return [as_sent(item) for item in value] if isinstance(value, list) else value


def walk_json(shape, value, at):
    kind = shape.type_name
    if value is None:
        problems.append(f"{at}: null")
    elif kind == "structure":
        for key, member in value.items():
            if key in shape.members:
                walk_json(shape.members[key], member, f"{at}.{key}")
            else:
                problems.append(f"{at}.{key}: unknown key")
        problems.extend(f"{at}.{key}: missing" for key in shape.required_members if key not in value)
    elif kind == "list":
        for item in value:
            walk_json(shape.member, item, f"{at}[]")
    elif kind == "map":
        for key, item in value.items():
            walk_json(shape.value, item, f"{at}.{key}")
    else:
        number = (int, float)
        types = {"string": str, "boolean": bool, "integer": int, "long": int, "timestamp": number, "float": number, "double": number}
        wrong = kind in types and (not isinstance(value, types[kind]) or kind != "boolean" and isinstance(value, bool))
        if wrong or kind == "string" and shape.enum and value not in shape.enum:
            problems.append(f"{at}: {value!r} is not {getattr(shape, 'enum', None) or kind}")


def tag(element):
    return element.tag.split("}")[-1]


def check_result(shape, root, name):
    """An answer of the Query protocol: the result, where there is one, beside the metadata."""
    if not root.tag.startswith("{"):
        problems.append(f"{name}: no namespace")
    if shape is None:
        if len(root) != 1:
            problems.append(f"{name}: a result where none should be")
    elif tag(root[0]) != shape.serialization["resultWrapper"]:
        problems.append(f"{name}: {root[0].tag}")
    else:
        walk_xml(shape, root[0], name)


def walk_xml(shape, element, at):
    kind, text = shape.type_name, element.text or ""
    if kind == "structure":
        seen = {tag(child): child for child in element}
        if len(seen) != len(element):
            problems.append(f"{at}: a key twice")
        for key, child in seen.items():
            if key in shape.members:
                walk_xml(shape.members[key], child, f"{at}.{key}")
            else:
                problems.append(f"{at}.{key}: unknown key")
        problems.extend(f"{at}.{key}: missing" for key in shape.required_members if key not in seen)
    elif kind == "list":
        for child in element:
            if tag(child) != "member":
                problems.append(f"{at}: {child.tag} is not a member")
            walk_xml(shape.member, child, f"{at}[]")
    elif kind in ("integer", "long") and not text.isdigit():
        problems.append(f"{at}: {text!r} is not a number")
    elif kind == "boolean" and text not in ("true", "false"):
        problems.append(f"{at}: {text!r} is not a boolean")
    elif kind == "timestamp" and not (text.endswith("Z") and "T" in text):
        problems.append(f"{at}: {text!r} is not a time")
    elif kind == "string" and shape.enum and text not in shape.enum:
        problems.append(f"{at}: {text!r} is not of {shape.enum}")


def walk_ec2(shape, element, at):
    known = {member.serialization["name"]: member for member in shape.members.values() if "name" in member.serialization}
    for child in element:
        key = tag(child)
        if key == "requestId":
            continue
        if key not in known:
            problems.append(f"{at}.{key}: unknown key")
        elif known[key].type_name == "structure":
            walk_ec2(known[key], child, f"{at}.{key}")
        elif known[key].type_name == "list":
            for item in child:
                walk_ec2(known[key].member, item, f"{at}.{key}[]")
        else:
            walk_xml(known[key], child, f"{at}.{key}")
