//! Our tables against GitHub's schema files, where these are at hand: every key is taken where the schema has it and
//! refused elsewhere, and every expression may use what the schema lists and nothing else.
#![expect(clippy::disallowed_methods, reason = "a test reads its data")]
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Map, Value as Json, json};
use wfrun_syntax::{Diagnostic, Source};
use wfrun_workflow::{ReadOptions, read_action, read_workflow};

/// Keys where we follow another source than the schema: definition, key, and why.
const OTHERWISE: &[(&str, &str, &str)] = &[];

const CONTEXTS: [&str; 12] =
    ["github", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "steps", "job", "runner", "env", "jobs"];

struct Schema {
    definitions: Map<String, Json>,
    /// Every key that any mapping has.
    keys: BTreeSet<String>,
    errors: fn(&str) -> Vec<Diagnostic>,
    failed: RefCell<Vec<String>>,
    checked: RefCell<usize>,
}

fn workflow_errors(text: &str) -> Vec<Diagnostic> {
    let source = Source::new("w.yml", text);
    read_workflow(&source, ReadOptions::default()).diagnostics
}

fn action_errors(text: &str) -> Vec<Diagnostic> {
    let source = Source::new("action.yml", text);
    read_action(&source, ReadOptions::default()).diagnostics
}

impl Schema {
    fn load(file: &str, errors: fn(&str) -> Vec<Diagnostic>) -> Option<Self> {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/schema").join(file);
        let Ok(text) = std::fs::read_to_string(&path) else {
            println!("skipped: GitHub's schema is not at {}", path.display());
            return None;
        };
        let schema: Json = serde_json::from_str(&text).expect("the schema is JSON");
        let definitions = schema["definitions"].as_object().expect("definitions").clone();
        let mappings = definitions.values().filter_map(|it| it["mapping"]["properties"].as_object());
        let keys = mappings.flat_map(|it| it.keys().cloned()).collect();
        Some(Self { definitions, keys, errors, failed: RefCell::default(), checked: RefCell::default() })
    }

    fn definition(&self, name: &str) -> Json {
        self.definitions.get(name).cloned().unwrap_or_else(|| match name {
            "any" => json!({"one-of": ["null", "boolean", "number", "string", "sequence", "mapping"]}),
            "sequence" => json!({"sequence": {"item-type": "any"}}),
            "mapping" => json!({"mapping": {"loose-key-type": "string", "loose-value-type": "any"}}),
            other => json!({other: {}}),
        })
    }

    /// The smallest value that a definition takes.
    fn minimal(&self, name: &str) -> Json {
        let definition = self.definition(name);
        if let Some(names) = definition["one-of"].as_array() {
            return self.minimal(names[0].as_str().expect("a name"));
        }
        if let Some(words) = definition["allowed-values"].as_array() {
            return words[0].clone();
        }
        if let Some(item) = definition["sequence"]["item-type"].as_str() {
            return json!([self.minimal(item)]);
        }
        if let Some(mapping) = definition["mapping"].as_object() {
            return Json::Object(self.required(mapping));
        }
        match definition["string"]["constant"].as_str() {
            Some(constant) => json!(constant),
            None if definition.get("boolean").is_some() => json!(true),
            None if definition.get("number").is_some() => json!(1),
            None if definition.get("null").is_some() => Json::Null,
            // A text that is an expression, too, for conditions.
            None => json!("1"),
        }
    }

    fn required(&self, mapping: &Map<String, Json>) -> Map<String, Json> {
        let properties = mapping.get("properties").and_then(Json::as_object).into_iter().flatten();
        let required = properties.filter(|(_, it)| it["required"] == true);
        let mut all: Map<_, _> = required.map(|(key, it)| (key.clone(), self.minimal(type_of(it)))).collect();
        if all.is_empty()
            && let Some(loose) = mapping.get("loose-value-type").and_then(Json::as_str)
            && loose != "any"
        {
            all.insert("x".to_owned(), self.minimal(loose));
        }
        all
    }

    /// Checks a definition, and all below it. `wrap` puts a value where the definition is used.
    fn walk(&self, name: &str, context: &[String], trail: &mut Vec<String>, wrap: &dyn Fn(Json) -> Json) {
        // Steps contain steps.
        if trail.iter().filter(|it| *it == name).count() > 1 || name == "any" {
            return;
        }
        trail.push(name.to_owned());
        let definition = self.definition(name);
        let mut context = context.to_vec();
        for it in definition["context"].as_array().into_iter().flatten() {
            context.push(it.as_str().expect("a name").to_owned());
        }
        if let Some(names) = definition["one-of"].as_array() {
            for it in names {
                self.walk(it.as_str().expect("a name"), &context, trail, wrap);
            }
        } else if let Some(item) = definition["sequence"]["item-type"].as_str() {
            self.taken(trail, &wrap(self.minimal(name)));
            self.walk(item, &context, trail, &|it| wrap(json!([it])));
        } else if let Some(mapping) = definition["mapping"].as_object() {
            self.mapping(name, mapping, &context, trail, wrap);
        } else {
            self.taken(trail, &wrap(self.minimal(name)));
            self.contexts(&context, trail, wrap);
        }
        trail.pop();
    }

    fn mapping(
        &self,
        name: &str,
        mapping: &Map<String, Json>,
        context: &[String],
        trail: &mut Vec<String>,
        wrap: &dyn Fn(Json) -> Json,
    ) {
        let least = self.required(mapping);
        let with = |key: &str, value: Json| {
            let mut all = least.clone();
            all.insert(key.to_owned(), value);
            wrap(Json::Object(all))
        };
        let properties = mapping.get("properties").and_then(Json::as_object).cloned().unwrap_or_default();
        for (key, property) in &properties {
            trail.push(key.clone());
            self.taken(trail, &with(key, self.minimal(type_of(property))));
            self.walk(type_of(property), context, trail, &|it| with(key, it));
            trail.pop();
        }
        if let Some(loose) = mapping.get("loose-value-type").and_then(Json::as_str) {
            self.taken(trail, &with("x-free", self.minimal(loose)));
            self.walk(loose, context, trail, &|it| with("x-free", it));
            return;
        }
        for key in self.keys.iter().filter(|it| !properties.contains_key(*it)) {
            if !OTHERWISE.iter().any(|(definition, other, _)| *definition == name && other == key) {
                self.refused(trail, key, &with(key, json!("x")));
            }
        }
    }

    fn contexts(&self, context: &[String], trail: &[String], wrap: &dyn Fn(Json) -> Json) {
        for name in CONTEXTS {
            let text = wrap(json!(format!("${{{{ {name}.x }}}}"))).to_string();
            let expected = context.iter().any(|it| it == name);
            let found = codes(&(self.errors)(&text)).iter().any(|it| it.starts_with("expr/"));
            self.note(expected != found, || format!("{}: context {name}: listed is {expected}", trail.join(" > ")));
        }
        for (call, name) in [("always()", "always"), ("success()", "success"), ("hashFiles('x')", "hashFiles")] {
            let text = wrap(json!(format!("${{{{ {call} }}}}"))).to_string();
            let expected = context.iter().any(|it| it.starts_with(&format!("{name}(")));
            let found = codes(&(self.errors)(&text)).iter().any(|it| it.starts_with("expr/"));
            self.note(expected != found, || format!("{}: function {name}: listed is {expected}", trail.join(" > ")));
        }
    }

    fn taken(&self, trail: &[String], document: &Json) {
        let found = codes(&(self.errors)(&document.to_string()));
        self.note(found.is_empty(), || format!("{}: refused as {found:?}: {document}", trail.join(" > ")));
    }

    fn refused(&self, trail: &[String], key: &str, document: &Json) {
        let found = codes(&(self.errors)(&document.to_string()));
        let refused = found
            .iter()
            .any(|it| it == "workflow/unknown-key" || it == "workflow/unknown-event" || it == "action/unused-key");
        self.note(refused, || format!("{}: `{key}` is taken: {document}", trail.join(" > ")));
    }

    fn note(&self, holds: bool, what: impl Fn() -> String) {
        *self.checked.borrow_mut() += 1;
        if !holds {
            self.failed.borrow_mut().push(what());
        }
    }

    fn finish(&self, root: &str, at_least: usize) {
        self.walk(root, &[], &mut Vec::new(), &|it| it);
        let (checked, failed) = (self.checked.borrow(), self.failed.borrow());
        println!("schema: {} of {checked} hold", *checked - failed.len());
        let shown: Vec<_> = failed.iter().take(40).map(String::as_str).collect();
        assert!(failed.is_empty(), "{} of {checked} fail:\n{}", failed.len(), shown.join("\n"));
        assert!(*checked > at_least, "only {checked} checks");
    }
}

fn type_of(property: &Json) -> &str {
    property.as_str().or_else(|| property["type"].as_str()).expect("a type")
}

/// The findings of the reader: what the schema says, not what the values mean together.
fn codes(found: &[Diagnostic]) -> Vec<String> {
    const READER: &[&str] =
        &["unknown-key", "unknown-event", "missing-key", "wrong-type", "wrong-value", "missing-value", "ambiguous"];
    let codes = found.iter().map(|it| it.code.as_str());
    let of_reader = |it: &&str| {
        it.starts_with("expr/")
            || *it == "action/unused-key"
            || it.strip_prefix("workflow/").is_some_and(|it| READER.contains(&it))
    };
    codes.filter(of_reader).map(str::to_owned).collect()
}

#[test]
fn workflows_follow_the_schema() {
    if let Some(schema) = Schema::load("workflow-v1.0.json", workflow_errors) {
        schema.finish("workflow-root-strict", 5000);
    }
}

#[test]
fn actions_follow_the_schema() {
    if let Some(schema) = Schema::load("action-v1.0.json", action_errors) {
        schema.finish("action-root-strict", 500);
    }
}
