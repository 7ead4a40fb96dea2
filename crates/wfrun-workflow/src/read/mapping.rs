//! Mappings: known and free keys, and which of several mappings is meant.
use wfrun_expr::{Availability, Template};
use wfrun_syntax::{
    Code, Diagnostic, Entry as NodeEntry, Mapping, Node, NodeKind, Severity, Span, Spanned, eq_ignoring_case,
};

use super::{Reader, VALUE, help, text_bytes};
use crate::report::key_error;
use crate::schema::{ANY, Def, MappingDef};
use crate::token::{Entry, EntryKey, Token};

/// The code where a required key is missing.
const MISSING_KEY: &str = "workflow/missing-key";

/// What is known so far of which mapping is meant.
struct Choice {
    /// The mappings that have all keys read so far.
    candidates: Vec<&'static MappingDef>,
    /// Keys that no candidate has.
    unknown: Vec<Unknown>,
    has_expression_key: bool,
    seen: Vec<String>,
}

/// A key that no candidate has.
struct Unknown {
    key: String,
    /// Whether its value is a mapping.
    is_mapping: bool,
    /// Which finding is about it.
    finding: usize,
}

impl<'a> Reader<'a> {
    /// Reads the entries; keys that do not belong are said, and their values skipped, as on GitHub.
    pub(super) fn mapping(
        &mut self,
        node: &Node,
        mapping: &'a Mapping,
        def: &'static Def,
        context: &'static Availability,
    ) -> Vec<Entry> {
        let mut choice = Choice {
            candidates: def.mappings.to_vec(),
            unknown: Vec::new(),
            has_expression_key: false,
            seen: Vec::new(),
        };
        let mut entries = Vec::with_capacity(mapping.len());
        for entry in mapping {
            if self.exceeded.is_some() {
                break;
            }
            entries.extend(self.entry(entry, def, context, &mut choice));
        }
        self.settle(node, def, &choice);
        entries
    }

    fn entry(
        &mut self,
        entry: &'a NodeEntry,
        def: &'static Def,
        context: &'static Availability,
        choice: &mut Choice,
    ) -> Option<Entry> {
        let loose = choice.candidates.first().and_then(|it| it.loose);
        let mut key = entry.key.clone();
        if key.value.contains("${{") {
            match self.key(&key, context)? {
                EntryKey::Text(literal) => key = literal,
                computed @ (EntryKey::Expression(_) | EntryKey::Insert(_)) => {
                    choice.has_expression_key = true;
                    if context.contexts.is_empty() && context.functions.is_empty() {
                        let help = Some("keys are read before anything runs: write the key itself".to_owned());
                        let message = "A template expression is not allowed in this context";
                        self.error("expr/not-allowed", message, key.span, help);
                        return None;
                    }
                    self.count(VALUE + text_bytes(&key.value));
                    let all_loose = def.mappings.iter().all(|it| it.properties.is_empty());
                    let value = loose.filter(|_| all_loose).unwrap_or(&ANY);
                    return Some(Entry { key: computed, value: self.behind(entry, value, context) });
                }
            }
        }
        let value = self.value_of(&key, &entry.value, def, loose, choice)?;
        self.count(VALUE + text_bytes(&key.value));
        choice.seen.push(key.value.clone());
        Some(Entry { key: EntryKey::Text(key), value: self.behind(entry, value, context) })
    }

    /// Reads the value behind a key.
    fn behind(&mut self, entry: &'a NodeEntry, def: &'static Def, context: &'static Availability) -> Token {
        let around = std::mem::replace(&mut self.key, &entry.key.value);
        let was_item = std::mem::replace(&mut self.is_item, false);
        let value = self.value(&entry.value, def, context);
        (self.key, self.is_item) = (around, was_item);
        value
    }

    /// Finds what stands behind a key; narrows the mappings that can be meant.
    fn value_of(
        &mut self,
        key: &Spanned<String>,
        node: &Node,
        def: &'static Def,
        loose: Option<&'static Def>,
        choice: &mut Choice,
    ) -> Option<&'static Def> {
        if let Some(property) = choice.candidates.iter().find_map(|it| it.property(&key.value)) {
            choice.candidates.retain(|it| it.property(&key.value).is_some());
            return Some(property.value);
        }
        if let Some(value) = loose {
            if key.value.is_empty() {
                let help = Some("write a key in front of the colon".to_owned());
                self.error("workflow/missing-value", "Unexpected value ''", key.span, help);
            }
            return Some(value);
        }
        self.unknown_key(key, node, def, choice);
        None
    }

    fn unknown_key(&mut self, key: &Spanned<String>, node: &Node, def: &Def, choice: &mut Choice) {
        let message = format!("Unexpected value '{}'", key.value);
        let is_mapping = matches!(&*node.kind, NodeKind::Mapping(_));
        let unknown = Unknown { key: key.value.clone(), is_mapping, finding: self.diagnostics.len() };
        let help = help::unknown_key(&key.value, def, &self.name(def), &choice.candidates, &choice.seen);
        if self.options.allow_unknown && !help::is_known_elsewhere(&key.value, def) {
            let found = Diagnostic::warning(Code::new("workflow/allowed-unknown-key"), message);
            let near = Some(help).filter(|it| it.starts_with("did you mean")).map(|it| format!(" ({it})"));
            let help = format!(
                "`--allow-unknown` lets it pass; wfrun does nothing with it, and GitHub may refuse it{}",
                near.unwrap_or_default()
            );
            self.diagnostics.push(found.at(self.source, key.span).help(help));
            choice.unknown.push(unknown);
            return;
        }
        if let Some(code) = def.ignored_keys {
            let help = format!("it has no effect: {help}");
            self.diagnostics.push(Diagnostic::warning(Code::new(code), message).at(self.source, key.span).help(help));
            choice.unknown.push(unknown);
            return;
        }
        self.error(def.code.unwrap_or("workflow/unknown-key"), message, key.span, Some(help));
        choice.unknown.push(unknown);
    }

    /// Reads a key with an expression; what is wrong with one is said, and that it is no known key is not.
    fn key(&mut self, key: &Spanned<String>, context: &Availability) -> Option<EntryKey> {
        if Template::is_insert(&key.value) {
            return Some(EntryKey::Insert(key.span));
        }
        match Template::parse(&key.value, context) {
            Ok(Template::Literal(text)) => Some(EntryKey::Text(Spanned::new(text, key.span))),
            Ok(template) => Some(EntryKey::Expression(Spanned::new(template, key.span))),
            Err(error) => {
                self.diagnostics.push(key_error(self.source, key, &error, context));
                None
            }
        }
    }

    /// Says what is missing: a key that is required, or those that would tell which mapping is meant.
    fn settle(&mut self, node: &Node, def: &Def, choice: &Choice) {
        let place = node.place();
        if let [only] = choice.candidates.as_slice() {
            if choice.has_expression_key {
                return;
            }
            for property in only.properties.iter().filter(|it| it.required) {
                if !choice.seen.iter().any(|it| it == property.name) {
                    let message = format!("Required property is missing: {}", property.name);
                    self.missing(MISSING_KEY, &message, place, &[property.name], def, choice);
                }
            }
            return;
        }
        let deciding = help::deciding_keys(&choice.candidates);
        let message = format!(
            "There's not enough info to determine what you meant. Add one of these properties: {}",
            deciding.join(", ")
        );
        self.missing("workflow/ambiguous", &message, place, &deciding, def, choice);
    }

    /// Says that one of `keys` is missing, also where an unknown key is one of them misspelt.
    ///
    /// Source: GitHub: `HandleMappingWithWellKnownProperties` of `TemplateReader` of actions/runner: without a condition, but a key
    /// that is written in another case counts as there.
    fn missing(
        &mut self,
        code: &'static str,
        message: &str,
        place: Span,
        keys: &[&'static str],
        def: &Def,
        choice: &Choice,
    ) {
        let meant = choice.unknown.iter().find_map(|it| Some((it, help::meant(&it.key, it.is_mapping, keys, def)?)));
        if let Some((unknown, help)) = meant {
            let found = &mut self.diagnostics[unknown.finding];
            // What may be allowed elsewhere is an error where it leaves something out.
            (found.severity, found.code) = (Severity::Error, Code::new(def.code.unwrap_or("workflow/unknown-key")));
            found.help = Some(help.clone());
            let in_another_case = |key: &str| choice.unknown.iter().any(|it| eq_ignoring_case(&it.key, key));
            let is_there = code == MISSING_KEY && keys.iter().any(|it| in_another_case(it));
            if !is_there {
                self.error(code, message, place, Some(format!("`{}` stands in its place: {help}", unknown.key)));
            }
            return;
        }
        self.error(code, message, place, Some(help::missing(keys, def, &self.name(def))));
    }
}
