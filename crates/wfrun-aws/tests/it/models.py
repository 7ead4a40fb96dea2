# Answers as they came, held against botocore's models: no unknown key, no null, no key twice, none missing, no wrong type.
import json
import xml.etree.ElementTree as ElementTree

problems, checked = [], set()


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
        for item in value.values():
            walk_json(shape.value, item, f"{at}{{}}")
    else:
        types = {"string": str, "boolean": bool, "integer": int, "long": int}
        wrong = kind in types and (not isinstance(value, types[kind]) or kind in ("integer", "long") and isinstance(value, bool))
        if wrong or kind == "string" and shape.enum and value not in shape.enum:
            problems.append(f"{at}: {value!r} is not {getattr(shape, 'enum', None) or kind}")


def walk_xml(shape, element, at):
    kind, text = shape.type_name, element.text or ""
    if kind == "structure":
        seen = {child.tag.split("}")[-1]: child for child in element}
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
            if child.tag.split("}")[-1] != "member":
                problems.append(f"{at}: {child.tag} is not a member")
            walk_xml(shape.member, child, f"{at}[]")
    elif kind == "integer" and not text.isdigit():
        problems.append(f"{at}: {text!r} is not a number")
    elif kind == "boolean" and text not in ("true", "false"):
        problems.append(f"{at}: {text!r} is not a boolean")
    elif kind == "string" and shape.enum and text not in shape.enum:
        problems.append(f"{at}: {text!r} is not of {shape.enum}")


def check(operation_model, response_dict, **_):
    shape, name = operation_model.output_shape, operation_model.name
    if response_dict["status_code"] != 200:
        return
    checked.add(name)
    if operation_model.service_model.protocol == "ec2":
        walk_ec2(shape, ElementTree.fromstring(response_dict["body"]), name)
    elif operation_model.service_model.protocol == "query":
        root = ElementTree.fromstring(response_dict["body"])
        result = [child for child in root if child.tag.endswith("Result")]
        if shape is not None:
            walk_xml(shape, result[0], name)
    elif shape is None:
        if response_dict["body"]:
            problems.append(f"{name}: a body without output")
    else:
        walk_json(shape, json.loads(response_dict["body"]), name)


def walk_ec2(shape, element, at):
    known = {member.serialization["name"]: member for member in shape.members.values() if "name" in member.serialization}
    for child in element:
        key = child.tag.split("}")[-1]
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
